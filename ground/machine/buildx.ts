/** buildx, which talks to builders, and the compiler of what Go modules give. */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { cacheDir, once } from "../tools/cache.ts";
import { lastLine, must, type Result, run, which } from "../tools/exec.ts";
import { GroundError, note } from "../tools/log.ts";
import { BUILDX } from "../tools/versions.ts";

/** How buildx is called here, or null; changes nothing. */
export async function findBuildx(): Promise<readonly string[] | null> {
  if ((await run("docker", ["buildx", "version"], { timeout: 20_000 })).code === 0)
    return ["docker", "buildx"];
  const cached = join(cacheDir("bin"), "docker-buildx");
  return existsSync(cached) ? [cached] : null;
}

/** How buildx is called here: the plugin of `docker`, else Debian's package, else compiled from its Go module. */
export async function ensureBuildx(): Promise<readonly string[]> {
  const found = await findBuildx();
  if (found) return found;
  note("builder", "docker has no buildx: taking Debian's package docker-buildx…");
  try {
    const path = await once(join(cacheDir("bin"), "docker-buildx"), async (temporary) => {
      const { debianPackage } = await import("../sources/debian.ts");
      const { folder } = await debianPackage("docker-buildx", "trixie");
      copyFileSync(join(folder, "usr/libexec/docker/cli-plugins/docker-buildx"), temporary);
      await must(temporary, ["version"]);
    });
    return [path];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    note("builder", `Debian's docker-buildx cannot be had (${error.message})`);
    return [await compile("docker/buildx", BUILDX, "buildx", "docker-buildx")];
  }
}

/** Calls buildx. @throws GroundError if it fails. */
export function mustCall(buildx: readonly string[], args: readonly string[]): Promise<Result> {
  return must(buildx[0] ?? "", [...buildx.slice(1), ...args], { timeout: 30_000 });
}

/** Calls buildx, whatever comes of it. */
export function call(buildx: readonly string[], args: readonly string[], timeout = 30_000): Promise<Result> {
  return run(buildx[0] ?? "", [...buildx.slice(1), ...args], { timeout });
}

/** What buildx knows of a builder. */
export interface Seen {
  readonly driver: string;
  readonly endpoint: string;
  /** The driver's options, in alphabetical order. */
  readonly options: string;
  readonly running: boolean;
  readonly problem: string;
}

/** What buildx knows of a builder; null where it knows none of the name. */
export async function inspect(buildx: readonly string[], name: string): Promise<Seen | null> {
  const { code, stdout, stderr } = await call(buildx, ["inspect", name]);
  const field = (key: string) => new RegExp(`^${key}:\\s*(.+)$`, "m").exec(stdout)?.[1]?.trim() ?? "";
  if (code !== 0 && !field("Driver")) return null;
  const problem = field("Error") || lastLine(stderr) || `it is ${field("Status") || "in an unknown state"}`;
  const running = code === 0 && field("Status") === "running" && !field("Error");
  const options = [...field("Driver Options").matchAll(/(\w+)="([^"]*)"/g)].map(
    ([, key, value]) => `${key}=${value}`,
  );
  return {
    driver: field("Driver"),
    endpoint: field("Endpoint"),
    options: options.sort().join(),
    running,
    problem,
  };
}

/** Compiles a command of a Go module; Go's own checksum database vouches for the source. */
export async function compile(
  repository: string,
  version: string,
  command: string,
  file = `${command}-${version}`,
): Promise<string> {
  const target = join(cacheDir("bin"), file);
  if (existsSync(target)) return target;
  const module = `github.com/${repository}`;
  const go = which("go");
  if (!go)
    throw new GroundError(`${command} is missing: install it, or Go to have ${module}@${version} compiled.`);
  note("builder", `compiling ${command} ${version}, about 2 minutes…`);
  return once(target, async (temporary) => {
    // `go install module@version` refuses modules whose go.mod has exclude or replace directives, as these have.
    const { stdout } = await must(go, ["mod", "download", "-json", `${module}@${version}`], {
      cwd: cacheDir(),
    });
    const { Dir: source } = JSON.parse(stdout) as { Dir: string };
    const flags = `-s -w -X ${module}/version.Version=${version}`;
    const env = { CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" };
    const build = ["build", "-trimpath", "-ldflags", flags, "-o", temporary, `./cmd/${command}`];
    await must(go, build, { cwd: source, env });
  });
}
