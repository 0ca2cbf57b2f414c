/** What is pinned by files of this repository: requirements, Maven projects, npm's packages, the ground's tools. */
import { existsSync, readFileSync } from "node:fs";
import type { Config } from "../../components/settings.ts";
import { BUILDKIT, BUILDX, PYPERF, PYPERFORMANCE, UV } from "../tools/versions.ts";
import type { Pin } from "./pins.ts";

/** The requirements of a stack's frameworks, the Maven projects of its applications, and what the program itself uses. */
export function filePins(config: Config): Pin[] {
  const pythons = config.pythons.map(({ version }) => version);
  return [
    ...config.frameworks.flatMap(({ name, version }) => frameworkPins(name, version, pythons)),
    ...config.applications.flatMap(({ name }) => mavenPins(name, `images/${name}/app/pom.xml`)),
    ...npmPins(),
    ...toolPins(),
  ];
}

/** Each line of a requirements.in that asks for one version, and the lock as a whole. */
function frameworkPins(name: string, version: string, pythons: readonly string[]): Pin[] {
  const layer = `${name} ${version}`;
  const folder = `images/${name}/${version}`;
  const pins: Pin[] = pinnedIn(`${folder}/requirements.in`).map(([requirement, pinned]) => ({
    layer,
    name: requirement,
    pinned,
    source: { pypi: requirement, pythons },
  }));
  // A package is locked more than once where its version depends on Python's; the last is the newest.
  const lock = new Map(pinnedIn(`${folder}/requirements.txt`));
  if (lock.size === 0) return pins;
  const count = `${lock.size} package${lock.size === 1 ? "" : "s"}`;
  return [...pins, { layer, name: "lock", pinned: count, source: { lock } }];
}

/** The lines `name==version` of a file of requirements, without extras, markers and hashes. */
export function pinnedIn(file: string): [name: string, version: string][] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").matchAll(
    /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*([\w.!+]+)/gm,
  );
  return [...lines].map(([, name = "", version = ""]) => [name, version]);
}

/** The plugins, dependencies and parent of a Maven project that have a version. */
function mavenPins(layer: string, file: string): Pin[] {
  if (!existsSync(file)) return [];
  const blocks = readFileSync(file, "utf8").matchAll(/<(plugin|dependency|parent)>([\s\S]*?)<\/\1>/g);
  return [...blocks].flatMap(([, kind, block = ""]) => {
    const text = (tag: string) => new RegExp(`<${tag}>\\s*([^<]+?)\\s*</${tag}>`).exec(block)?.[1];
    const [artifact, version] = [text("artifactId"), text("version")];
    const group = text("groupId") ?? (kind === "plugin" ? "org.apache.maven.plugins" : undefined);
    if (!artifact || !group || !version || version.includes("${")) return [];
    return [{ layer, name: artifact, pinned: version, source: { maven: group, artifact } }];
  });
}

function npmPins(): Pin[] {
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as Record<
    "dependencies" | "devDependencies",
    Record<string, string>
  >;
  return Object.entries({ ...dependencies, ...devDependencies })
    .sort(([a], [b]) => a.localeCompare(b, "en"))
    .map(([name, pinned]) => ({ layer: "npm", name, pinned, source: { npm: name } }));
}

function toolPins(): Pin[] {
  return [
    { layer: "tools", name: "buildkit", pinned: BUILDKIT, source: { goModule: "github.com/moby/buildkit" } },
    { layer: "tools", name: "buildx", pinned: BUILDX, source: { goModule: "github.com/docker/buildx" } },
    ...Object.entries({ pyperf: PYPERF, pyperformance: PYPERFORMANCE, uv: UV }).map(([name, pinned]) => ({
      layer: "tools",
      name,
      pinned,
      source: { pypi: name, pythons: [] },
    })),
  ];
}
