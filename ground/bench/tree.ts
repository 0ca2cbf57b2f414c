import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";

/** How many images of each kind a tree has, beside one operating system and one pyenv. */
export interface Shape {
  readonly pythons: number;
  /** On each Python. */
  readonly frameworks: number;
  readonly applications: number;
}

/** The smallest tree: operating system, pyenv, Python. */
export const SMALLEST = 3;

/**
 * The shape of a tree of exactly `images` images: wide at the frameworks, as a catalog is. Applications fill up what
 * frameworks, each on every Python, leave.
 */
export function shapeOf(images: number): Shape {
  const rest = images - 2;
  const pythons = Math.max(1, Math.min(10, Math.floor(rest / 3)));
  const frameworks = Math.floor((rest - pythons) / pythons);
  return { pythons, frameworks, applications: rest - pythons * (1 + frameworks) };
}

const numbered = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);

/**
 * The settings of a stack with such a tree.
 * @param mark goes into the operating system's content: trees with different marks share no layer in BuildKit's cache.
 */
export function settingsOf(shape: Shape, mark: string): Record<string, unknown> {
  const frameworks = numbered(shape.frameworks, "framework");
  return {
    // Its Dockerfile stands on nothing. Without a tag the base is not followed, which would ask a registry at every run.
    systems: [
      {
        name: "debian",
        version: "13",
        base: { image: `debian@sha256:${"0".repeat(64)}` },
        archive: `https://${mark}.example.com`,
      },
    ],
    pythons: Array.from({ length: shape.pythons }, (_, i) => ({
      version: `3.${10 + i}.0`,
      sha256: "0".repeat(64),
    })),
    frameworks: frameworks.map((name) => ({ name, version: "1.0.0" })),
    applications: numbered(shape.applications, "application").map((name, i) => ({
      name,
      version: "1.0.0",
      framework: frameworks[i % frameworks.length],
    })),
    variant: "full",
    javas: [],
  };
}

// Each uses its files and its build arguments, as the real ones do, and none runs anything or needs a base.
const from = `ARG PARENT=scratch\nFROM \${PARENT}\n`;
const dockerfiles = {
  "images/os/debian/Dockerfile": `FROM scratch\nARG OS_ARCHIVE\nCOPY <<EOF /os\n\${OS_ARCHIVE}\nEOF\n`,
  "images/pyenv/Dockerfile": `${from}ARG PYENV_VERSION\nCOPY <<EOF /pyenv\n\${PYENV_VERSION}\nEOF\n`,
  "images/python/Dockerfile": `${from}ARG PYTHON_VERSION\nCOPY <<EOF /python\n\${PYTHON_VERSION}\nEOF\n`,
  "images/framework/Dockerfile": `${from}COPY requirements.txt /requirements.txt\n`,
};

/** The files of such a tree by their paths in the project, in place of those that are there. */
export function filesOf({ frameworks, applications }: Shape): Record<string, string> {
  return {
    ...dockerfiles,
    ...Object.fromEntries(
      numbered(frameworks, "framework").map((name) => [
        `images/${name}/1.0.0/requirements.txt`,
        `${name}==1.0.0\n`,
      ]),
    ),
    ...Object.fromEntries(
      numbered(applications, "application").map((name) => [
        `images/${name}/Dockerfile`,
        `${from}COPY Dockerfile /${name}\n`,
      ]),
    ),
  };
}

/** Writes files, given by path, into a folder. */
export function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Writes the file of a stack with these settings. */
export function writeStack(folder: string, stack: string, settings: Record<string, unknown>): void {
  const config = Object.entries(settings).map(([name, value]) => [`catalog:${name}`, value]);
  writeFiles(folder, { [`Pulumi.${stack}.yaml`]: stringify({ config: Object.fromEntries(config) }) });
}
