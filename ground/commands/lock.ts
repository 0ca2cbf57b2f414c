import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Options } from "../options.ts";
import { cacheDir, once } from "../tools/cache.ts";
import { lastLine, must, run, which } from "../tools/exec.ts";
import { GroundError, say } from "../tools/log.ts";
import { pipSettings } from "../tools/pip.ts";
import { UV } from "../tools/versions.ts";

const REQUIREMENTS = "requirements.in";
const LOCK = "requirements.txt";
/** Locks hold for this Python and all later ones, where the framework's own requirements allow it. */
const OLDEST_PYTHON = "3.9";

/**
 * `npm run lock`: makes every framework's requirements.txt from its requirements.in, with hashes; with a name and a
 * version only that one, whose folder is begun from the newest version's where it is missing.
 * @throws GroundError if there is no uv and none can be installed, or if the index has not what is asked for.
 */
export async function lock({ args = [] }: Options): Promise<number> {
  const [name, version, ...rest] = args;
  if (name !== undefined && (version === undefined || rest.length > 0)) {
    throw new GroundError(
      "`npm run lock` takes a framework and its version, for example `npm run lock -- flask 3.1.3`.",
    );
  }
  if (name !== undefined && version !== undefined) await lockVersion(name, version);
  else for (const file of globSync(`images/*/*/${REQUIREMENTS}`).sort()) await lockFolder(dirname(file));
  return 0;
}

async function lockVersion(name: string, version: string): Promise<void> {
  const folder = `images/${name}/${version}`;
  if (!/^[a-z0-9]+([._-][a-z0-9]+)*$/.test(name) || !/^\d+(\.\w+)*$/.test(version)) {
    throw new GroundError(
      `${folder} is no folder for a framework: a lower-case name and a version are needed.`,
    );
  }
  if (existsSync(join(folder, REQUIREMENTS))) return lockFolder(folder);
  // Elsewhere until it is locked: a version that does not exist leaves no folder behind.
  const draft = mkdtempSync(join(tmpdir(), "image-catalog-lock-"));
  try {
    begin(draft, name, version);
    await lockFolder(draft, folder);
    cpSync(draft, folder, { recursive: true });
  } finally {
    rmSync(draft, { recursive: true });
  }
}

/** All that the newest version's folder has but its lock, asking for another version; or a first requirement. */
function begin(draft: string, name: string, version: string): void {
  const newest = globSync(`images/${name}/*/${REQUIREMENTS}`).map(dirname).sort(byVersion).at(-1);
  if (newest === undefined) {
    writeFileSync(join(draft, REQUIREMENTS), `${name}==${version}\n`);
    return;
  }
  cpSync(newest, draft, { recursive: true, filter: (path) => basename(path) !== LOCK });
  const before = readFileSync(join(newest, REQUIREMENTS), "utf8");
  const pin = new RegExp(`^([\\w.-]+)==${basename(newest).replaceAll(".", "\\.")}(?![\\w.])`, "m");
  if (!pin.test(before)) {
    throw new GroundError(
      `${newest}/${REQUIREMENTS} asks for nothing at version ${basename(newest)}, so it cannot be begun from: ` +
        `write images/${name}/${version}/${REQUIREMENTS}, then run \`npm run lock -- ${name} ${version}\`.`,
    );
  }
  writeFileSync(join(draft, REQUIREMENTS), before.replace(pin, `$1==${version}`));
}

const byVersion = (a: string, b: string) =>
  basename(a).localeCompare(basename(b), "en", { numeric: true, sensitivity: "base" });

/** Locks a folder; what its lock has already stays as it is, as long as it fits. */
async function lockFolder(folder: string, name = folder): Promise<void> {
  const file = join(folder, LOCK);
  const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  const python = await compile(folder, /--python-version[= ](\S+)/.exec(before ?? "")?.[1] ?? OLDEST_PYTHON);
  const after = readFileSync(file, "utf8");
  const count = after.match(/^[\w.-]+==/gm)?.length ?? 0;
  const what = after === before ? "unchanged" : before === undefined ? "new" : "changed";
  say("lock", `${name}: ${what}, ${count} package${count === 1 ? "" : "s"}, for Python ${python} and later`);
}

/** Runs uv for the oldest Python that will do. @returns that Python's series. */
async function compile(folder: string, python: string): Promise<string> {
  // Written so in the lock's second line, which Renovate reads: it knows options with `=` and no short ones.
  const args = ["pip", "compile", "--universal", `--python-version=${python}`, "--generate-hashes"];
  const { code, stderr } = await run(
    await ensureUv(),
    [...args, REQUIREMENTS, `--output-file=${LOCK}`, "--quiet"],
    { cwd: folder, env: { ...(await uvSettings()), UV_PYTHON_DOWNLOADS: "never" } },
  );
  if (code === 0) return python;
  const text = stderr.replaceAll(/\s+/g, " ");
  const needed = /does not satisfy Python>=?(\d+\.\d+)/.exec(text)?.[1];
  if (needed !== undefined && byVersion(python, needed) < 0) return compile(folder, needed);
  const missing = /there is no version of (\S+)/.exec(text) ?? /Because (\S+) was not found/.exec(text);
  if (missing) throw new GroundError(`The package index has no ${missing[1]?.replace("==", " ")}.`);
  const reason = /Because .*?(?= hint: |$)/.exec(text)?.[0] ?? lastLine(stderr);
  throw new GroundError(`${folder}/${REQUIREMENTS} cannot be locked: ${reason}`);
}

/** uv on PATH, else of its package in the cache: the index that pip is configured for has it where all else is shut. */
async function ensureUv(): Promise<string> {
  const found = which("uv");
  if (found !== null) return found;
  if (which("python3") === null) {
    throw new GroundError("Neither uv nor python3, to install it, is on PATH; install one of them.");
  }
  const venv = await once(join(cacheDir(), `uv-${UV}`), async (folder) => {
    await must("python3", ["-m", "venv", folder]);
    await must(join(folder, "bin", "pip"), ["install", "--quiet", `uv==${UV}`]);
    say("uv", `${UV}, of its Python package`);
  });
  return join(venv, "bin", "uv");
}

/** uv reads no settings of pip: the index and the certificates, where uv has none of its own. */
async function uvSettings(): Promise<Record<string, string>> {
  const settings = await pipSettings();
  const names = {
    UV_DEFAULT_INDEX: "index-url",
    UV_INDEX: "extra-index-url",
    SSL_CERT_FILE: "cert",
  } as const;
  return Object.fromEntries(
    Object.entries(names).flatMap(([variable, setting]) => {
      const value = settings[setting];
      return value === undefined || process.env[variable] ? [] : [[variable, value]];
    }),
  );
}
