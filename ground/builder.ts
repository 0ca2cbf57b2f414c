/** The BuildKit that builds the images, and buildx, which talks to it. */
import { copyFileSync, existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheDir, exclusively, once } from "./cache.ts";
import { aptInstall } from "./docker.ts";
import { daemon, daemonPid, lastLine, must, type Result, run, stopDaemon, which } from "./exec.ts";
import { type Finding, GroundError, note } from "./log.ts";

const BUILDKIT = "v0.31.1";
const BUILDX = "v0.35.0";
const IMAGE = `moby/buildkit:${BUILDKIT}`;

export interface Builder {
  readonly name: string;
  /** buildx's driver: `docker-container`, `remote`, `kubernetes`. */
  readonly driver: string;
  /** How buildx is called: `["docker", "buildx"]`, or the path of the program alone. */
  readonly buildx: readonly string[];
  /** Why this builder: `running`, or what was made and what stood against the usual way. */
  readonly why: string;
}

const pidFile = () => join(cacheDir("run"), "buildkitd.pid");
const logFile = () => join(cacheDir("run"), "buildkitd.log");
const socketPath = () => join(cacheDir("run"), "buildkitd.sock");
const endpoint = () => `unix://${socketPath()}`;
const HOST_PROCESS = "buildkitd as a process of this host";
/** Tells a container builder that we made from one of the same name that was there before. */
const markFile = (name: string) => join(cacheDir("run"), `builder-${name}`);

/**
 * Gives the builder of this name, running. An existing one is used as it is; else one is made with buildx's
 * docker-container driver; where that is refused, with a buildkitd that runs as a process of this host.
 * @throws GroundError when neither can be had, with the reason of each.
 */
export function ensureBuilder(name: string): Promise<Builder> {
  return exclusively("builder", async () => {
    const buildx = await ensureBuildx();
    const seen = await inspect(buildx, name);
    const builder = (driver: string, why: string): Builder => ({ name, driver, buildx, why });
    if (seen?.running) return builder(seen.driver, "running");
    if (seen?.endpoint === endpoint()) {
      await startBuildkitd();
      return builder("remote", `${HOST_PROCESS}, started again`);
    }

    const refusal =
      seen?.driver === "docker-container"
        ? await restartContainer(buildx, name)
        : await createContainer(buildx, name, seen);
    if (refusal === null) return builder("docker-container", "docker-container driver, started");
    await startBuildkitd(refusal);
    await mustCall(buildx, ["create", "--name", name, "--driver", "remote", endpoint()]);
    return builder("remote", `${HOST_PROCESS}, since ${refusal}`);
  });
}

/** Looks for the builder and changes nothing. */
export async function checkBuilder(name: string): Promise<Finding> {
  const buildx = await findBuildx();
  if (!buildx) return { ok: false, text: "no buildx; `npm run up` gets it" };
  const seen = await inspect(buildx, name);
  if (!seen) return { ok: false, text: `no builder ${name} yet; \`npm run up\` makes it` };
  const text = `${name}, driver ${seen.driver}, ${seen.running ? "running" : `not running: ${seen.problem}`}`;
  return { ok: seen.running, text };
}

/**
 * Ends the buildkitd that runs as a process of ours and takes its builder out of buildx's list; its cache stays.
 * A docker-container builder stays too, unless `remove` is given and a run of this program made it.
 */
export async function stopBuilder(name: string, options: { readonly remove?: boolean } = {}): Promise<void> {
  const buildx = await findBuildx();
  const seen = buildx && (await inspect(buildx, name));
  const ours = seen?.endpoint === endpoint();
  const made = seen?.driver === "docker-container" && existsSync(markFile(name));
  if (buildx && (ours || (made && options.remove))) {
    await call(buildx, ["rm", name]);
    rmSync(markFile(name), { force: true });
  }
  if (await stopDaemon(pidFile(), 20_000)) rmSync(socketPath(), { force: true });
}

function mustCall(buildx: readonly string[], args: readonly string[]): Promise<Result> {
  return must(buildx[0] ?? "", [...buildx.slice(1), ...args], { timeout: 30_000 });
}

function call(buildx: readonly string[], args: readonly string[], timeout = 30_000): Promise<Result> {
  return run(buildx[0] ?? "", [...buildx.slice(1), ...args], { timeout });
}

interface Seen {
  readonly driver: string;
  readonly endpoint: string;
  readonly running: boolean;
  readonly problem: string;
}

async function inspect(buildx: readonly string[], name: string): Promise<Seen | null> {
  const { code, stdout, stderr } = await call(buildx, ["inspect", name]);
  const field = (key: string) => new RegExp(`^${key}:\\s*(.+)$`, "m").exec(stdout)?.[1]?.trim() ?? "";
  if (code !== 0 && !field("Driver")) return null;
  const problem = field("Error") || lastLine(stderr) || `it is ${field("Status") || "in an unknown state"}`;
  const running = code === 0 && field("Status") === "running" && !field("Error");
  return { driver: field("Driver"), endpoint: field("Endpoint"), running, problem };
}

/** Starts an existing builder's container; answers why that failed, or null. The cache's volume is kept. */
async function restartContainer(buildx: readonly string[], name: string): Promise<string | null> {
  const start = await call(buildx, ["inspect", "--bootstrap", name], 90_000);
  if (start.code === 0) return null;
  await call(buildx, ["rm", "--keep-state", name]);
  return reasonOf(start);
}

/**
 * Makes the usual builder; answers why it cannot be had, or null.
 * @throws GroundError when a builder of this name, not ours to remove, is there and does not work.
 */
async function createContainer(
  buildx: readonly string[],
  name: string,
  seen: Seen | null,
): Promise<string | null> {
  if (seen && !seen.endpoint.startsWith("unix://")) {
    throw new GroundError(
      `The builder ${name} (driver ${seen.driver}, ${seen.endpoint}) does not work: ${seen.problem}; start it, remove it with \`docker buildx rm ${name}\`, or configure another name.`,
    );
  }
  if (seen) {
    // Such an entry is but an address: nothing else is lost with it.
    note("builder", `${name} stood for ${seen.endpoint}, where nothing answers: made anew`);
    await call(buildx, ["rm", name]);
  }
  if ((await run("docker", ["image", "inspect", IMAGE], { timeout: 20_000 })).code !== 0) {
    note("builder", `pulling ${IMAGE}…`);
    const pull = await run("docker", ["pull", "--quiet", IMAGE], { timeout: 120_000 });
    if (pull.code !== 0) return `${IMAGE} cannot be pulled`;
  }
  const options = ["--driver-opt", "network=host", "--driver-opt", `image=${IMAGE}`];
  const create = ["create", "--name", name, "--driver", "docker-container", ...options, "--bootstrap"];
  const made = await call(buildx, create, 90_000);
  if (made.code === 0) {
    writeFileSync(markFile(name), "");
    return null;
  }
  await call(buildx, ["rm", "--force", name]);
  return reasonOf(made);
}

function reasonOf(result: Result): string {
  const reason = lastLine(result.stderr).replace(/^(ERROR: |Error response from daemon: )+/, "");
  return `the docker-container driver failed (${reason})`;
}

async function startBuildkitd(refusal = "it is the one in use"): Promise<void> {
  if (daemonPid(pidFile()) === null) {
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
      throw new GroundError(
        `There is no builder: ${refusal}, and buildkitd as a process of this host needs root on Linux; make ${IMAGE} available or allow privileged containers.`,
      );
    }
    if (socketPath().length > 100) {
      throw new GroundError(
        `The path ${socketPath()} is too long for a socket: set CATALOG_CACHE to a shorter one.`,
      );
    }
    const binary = which("buildkitd") ?? (await compile("moby/buildkit", BUILDKIT, "buildkitd"));
    if (!which("runc") && which("apt-get")) {
      note("builder", "installing the package runc…");
      await aptInstall("runc");
    }
    if (!which("runc")) throw new GroundError("buildkitd needs runc: install it and put it on PATH.");
    const config = join(cacheDir("run"), "buildkitd.toml");
    writeFileSync(config, settings());
    const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    await daemon(binary, ["--config", config], { log: logFile(), pidFile: pidFile(), env });
  }
  for (let tries = 0; tries < 300 && daemonPid(pidFile()) !== null; tries += 1) {
    if (await answers(socketPath())) return;
    await sleep(100);
  }
  await stopDaemon(pidFile());
  throw new GroundError(
    `buildkitd does not start (${lastLine(readFileSync(logFile(), "utf8"))}): see ${logFile()}.`,
  );
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("error", () => resolve(false));
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
  });
}

/**
 * The host's network, since the registry and the package sources are reached through it. The cache keeps 20 GB
 * (on a small disk a quarter of it) whatever happens, and gives way beyond that when the disk fills.
 */
function settings(): string {
  const state = cacheDir("buildkit");
  const { blocks, bsize } = statfsSync(state);
  const reserved = Math.floor(Math.min(20e9, (blocks * bsize) / 4));
  return `root = ${JSON.stringify(state)}
[grpc]
  address = [${JSON.stringify(endpoint())}]
[otel]
  socketPath = ${JSON.stringify(join(cacheDir("run"), "buildkitd-otel.sock"))}
[worker.containerd]
  enabled = false
[worker.oci]
  networkMode = "host"
  gc = true
  reservedSpace = ${reserved}
  maxUsedSpace = "50%"
  minFreeSpace = "10%"
`;
}

async function findBuildx(): Promise<readonly string[] | null> {
  if ((await run("docker", ["buildx", "version"], { timeout: 20_000 })).code === 0)
    return ["docker", "buildx"];
  const cached = join(cacheDir("bin"), "docker-buildx");
  return existsSync(cached) ? [cached] : null;
}

async function ensureBuildx(): Promise<readonly string[]> {
  const found = await findBuildx();
  if (found) return found;
  note("builder", "docker has no buildx: taking Debian's package docker-buildx…");
  try {
    const path = await once(join(cacheDir("bin"), "docker-buildx"), async (temporary) => {
      const { debianPackage } = await import("./debian.ts");
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

/** Compiles a command of a Go module; Go's own checksum database vouches for the source. */
async function compile(
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
