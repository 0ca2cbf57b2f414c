/** The Docker engine: the one that answers, else one that is started or installed here. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheDir, exclusively } from "../tools/cache.ts";
import { daemon, daemonPid, stopDaemon } from "../tools/daemon.ts";
import { lastLine, must, run, which } from "../tools/exec.ts";
import { type Finding, GroundError, note } from "../tools/log.ts";
import { otherUsers, use } from "./users.ts";

export interface Engine {
  /** The engine's version, for example `20.10.24`. */
  readonly version: string;
  /** Why this one: `running`, `started`, `installed with apt-get and started`. */
  readonly why: string;
  /** Whether `stopDocker` will end it: a run of this program started it by hand. */
  readonly startedByUs: boolean;
}

const pidFile = () => join(cacheDir("run"), "dockerd.pid");
const logFile = () => join(cacheDir("run"), "dockerd.log");
const isRoot = () => process.getuid?.() === 0;
const hasSystemd = () => existsSync("/run/systemd/system");

/** What there is: an engine that answers, or why not and whether one may be started here. */
type Look = { version: string } | { problem: string; local: boolean };

async function look(): Promise<Look> {
  const { DOCKER_HOST: host, DOCKER_CONTEXT: wanted } = process.env;
  const answer = await run("docker", ["version", "--format", "{{.Server.Version}}"], { timeout: 20_000 });
  const version = answer.stdout.trim();
  if (answer.code === 0 && version) return { version };

  const reason = lastLine(answer.stderr).replace(/\.$/, "");
  if (host) {
    return {
      problem: `No Docker engine answers at DOCKER_HOST=${host}: start it or unset DOCKER_HOST.`,
      local: false,
    };
  }
  if (answer.code === 127) {
    return { problem: "Docker is not installed: install Docker Engine or Docker Desktop.", local: true };
  }
  const context = wanted || (await run("docker", ["context", "show"])).stdout.trim() || "default";
  if (context !== "default") {
    const problem = `No Docker engine answers in the context ${context} (${reason}): start it or choose another with \`docker context use\`.`;
    return { problem, local: false };
  }
  if (/permission denied/i.test(answer.stderr)) {
    const problem =
      "This user may not use the Docker engine: add yourself to the docker group (`sudo usermod -aG docker $USER`) and log in again.";
    return { problem, local: false };
  }
  return { problem: `The Docker engine is not running (${reason}): start it.`, local: true };
}

/** Looks for an engine and changes nothing. */
export async function checkDocker(): Promise<Finding> {
  const found = await look();
  if ("version" in found) {
    return {
      ok: true,
      text: `${found.version}, ${daemonPid(pidFile()) === null ? "running" : "started by us"}`,
    };
  }
  if (!found.local || !isRoot()) return { ok: false, text: found.problem };
  if (which("dockerd")) return { ok: false, text: "installed, not running; `npm run up` starts it" };
  if (which("apt-get"))
    return { ok: false, text: "not installed; `npm run up` installs the package docker.io" };
  return { ok: false, text: found.problem };
}

/**
 * Gives an engine that answers: the one of DOCKER_HOST or the current context; else the installed one, started;
 * else, as root on Debian or Ubuntu, the package docker.io.
 * @throws GroundError saying what to install, to start, or which right is missing.
 */
export function ensureDocker(): Promise<Engine> {
  const engine = (version: string, why: string): Engine => {
    return { version, why, startedByUs: daemonPid(pidFile()) !== null };
  };
  return exclusively("docker", async () => {
    use();
    const found = await look();
    if ("version" in found) return engine(found.version, "running");
    const linuxRoot = process.platform === "linux" && isRoot();
    if (!found.local || !linuxRoot) throw new GroundError(found.problem);
    if (which("dockerd") && which("docker")) return engine(await start(), "started");
    if (!which("apt-get")) throw new GroundError(found.problem);
    note("docker", "installing the package docker.io, about a minute…");
    // Since Debian 13 the client is a package of its own.
    await aptInstall("docker.io", "docker-cli?");
    return engine(await start(), "package docker.io, installed and started");
  });
}

async function start(): Promise<string> {
  if (hasSystemd()) {
    await must("systemctl", ["start", "docker"]);
  } else if (!("version" in (await look()))) {
    // After a hard stop these name pids that by now may belong to anything; dockerd would wait for that process.
    dropStalePid("/var/run/docker.pid", "dockerd");
    dropStalePid("/var/run/docker/containerd/containerd.pid", "containerd");
    await daemon(which("dockerd") ?? "dockerd", [], { log: logFile(), pidFile: pidFile() });
  }
  // Ours ends at once where the package has just started one, which then answers within seconds.
  for (let tries = 0, ended = 0; tries < 240 && ended < 20; tries += 1) {
    const found = await look();
    if ("version" in found) return found.version;
    if (!hasSystemd() && daemonPid(pidFile()) === null) ended += 1;
    await sleep(250);
  }
  if (hasSystemd()) throw new GroundError("dockerd does not answer: see `journalctl -u docker`.");
  await stopDaemon(pidFile());
  const reason = existsSync(logFile()) ? lastLine(readFileSync(logFile(), "utf8")) : "no log";
  throw new GroundError(`dockerd does not start (${reason}): see ${logFile()}.`);
}

function dropStalePid(file: string, command: string): void {
  if (!existsSync(file)) return;
  const comm = `/proc/${readFileSync(file, "utf8").trim()}/comm`;
  if (!existsSync(comm) || readFileSync(comm, "utf8").trim() !== command) rmSync(file, { force: true });
}

/**
 * Ends dockerd if a run of this program started it by hand, no other uses it and no container runs; its containerd
 * ends with it.
 * @returns whether it was ended.
 */
export function stopDocker(): Promise<boolean> {
  return exclusively("docker", async () => {
    if (daemonPid(pidFile()) === null || otherUsers().length > 0) return false;
    const running = await run("docker", ["ps", "--quiet"], { timeout: 20_000 });
    if (running.code === 0 && running.stdout.trim()) return false;
    return await stopDaemon(pidFile(), 30_000);
  });
}

/**
 * Installs packages with apt-get, as root; a name that ends in `?` is left out where there is no such package.
 * @throws GroundError with apt-get's reason.
 */
export async function aptInstall(...packages: string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const known = async (name: string) =>
    (await run("apt-cache", ["show", "--quiet", name])).stdout.includes("Package:");
  const install = async () => {
    const names: string[] = [];
    for (const name of packages) {
      if (!name.endsWith("?")) names.push(name);
      else if (await known(name.slice(0, -1))) names.push(name.slice(0, -1));
    }
    return ["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", ...names];
  };
  // The lists may be missing or too old: then once more with new ones.
  if ((await run("apt-get", await install(), { env })).code === 0) return;
  await run("apt-get", ["update"], { env });
  await must("apt-get", await install(), { env });
}

/** Who holds a TCP port of 127.0.0.1, or null when it is free. */
export async function portHolder(port: number): Promise<string | null> {
  const format = "{{.Names}}\t{{.Labels}}\t{{.Ports}}";
  const published = await run("docker", ["ps", "--filter", `publish=${port}`, "--format", format], {
    timeout: 10_000,
  });
  for (const line of published.stdout.split("\n")) {
    const [name, labels, ports = ""] = line.split("\t");
    if (!new RegExp(`(127\\.0\\.0\\.1|0\\.0\\.0\\.0|::):${port}->`).test(ports)) continue;
    return `the container ${name}${labels ? ` (${labels})` : ""}`;
  }
  return (await isTaken(port)) ? "another process" : null;
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EACCES") return resolve(error.code === "EADDRINUSE");
      // A port below 1024: this user may not open it, but may see whether somebody answers.
      const socket = connect(port, "127.0.0.1");
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(false)));
  });
}
