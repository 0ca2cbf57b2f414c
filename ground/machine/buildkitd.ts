/** The buildkitd that runs as a process of this host, where a container may not. */
import { readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheDir } from "../tools/cache.ts";
import { daemon, daemonPid, stopDaemon } from "../tools/daemon.ts";
import { lastLine, which } from "../tools/exec.ts";
import { GroundError, note } from "../tools/log.ts";
import { BUILDKIT } from "../tools/versions.ts";
import { compile } from "./buildx.ts";
import { aptInstall } from "./docker.ts";
import { registriesToml } from "./registries.ts";

/** What it is, in words. */
export const HOST_PROCESS = `buildkitd ${BUILDKIT} as a process of this host`;

const pidFile = () => join(cacheDir("run"), "buildkitd.pid");
const logFile = () => join(cacheDir("run"), "buildkitd.log");
const socketPath = () => join(cacheDir("run"), "buildkitd.sock");
/** Where it answers. */
export const endpoint = () => `unix://${socketPath()}`;

/**
 * Starts it, unless it runs.
 * @param refusal why there is no other builder, for the message where this one cannot be had either.
 * @throws GroundError where it needs what this host or user does not have, or does not start.
 */
export async function startBuildkitd(refusal = "it is the one in use"): Promise<void> {
  if (daemonPid(pidFile()) === null) {
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
      throw new GroundError(
        `There is no builder: ${refusal}, and buildkitd as a process of this host needs root on Linux; make the image moby/buildkit available or allow privileged containers.`,
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
    // It leaves empty folders where it keeps what is temporary.
    const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, TMPDIR: cacheDir("run") };
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

/** Ends it; its cache stays. @returns whether it ran. */
export async function stopBuildkitd(): Promise<boolean> {
  const ran = await stopDaemon(pidFile(), 20_000);
  if (ran) rmSync(socketPath(), { force: true });
  return ran;
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
${registriesToml()}`;
}
