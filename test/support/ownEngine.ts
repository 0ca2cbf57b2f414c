import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { daemon, daemonPid, stopDaemon } from "../../ground/tools/daemon.ts";
import { must, run, which } from "../../ground/tools/exec.ts";

/** Why there can be no Docker engine of a test's own; false where there can. */
export const noOwnEngine: string | false =
  process.getuid?.() !== 0 || which("dockerd") === null || which("ip") === null
    ? "an engine of its own needs root, dockerd and ip"
    : false;

/** A Docker engine beside that of the machine. */
export interface OwnEngine {
  /** With which commands find it. */
  readonly env: { readonly DOCKER_HOST: string };
  start(): Promise<void>;
  /** Ends it, and with it its containers, as a restart of the machine would. */
  stop(): Promise<void>;
  /** Ends it for good. */
  remove(): Promise<void>;
}

/** Starts an engine that has nothing yet. Its containers are on a bridge of their own, and nothing changes in the firewall. */
export async function startEngine(): Promise<OwnEngine> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-engine-"));
  const path = (name: string) => join(folder, name);
  const bridge = `icat${randomBytes(3).toString("hex")}`;
  await must("ip", ["link", "add", "name", bridge, "type", "bridge"]);
  await must("ip", ["address", "add", "10.213.7.1/24", "dev", bridge]);
  await must("ip", ["link", "set", bridge, "up"]);
  const env = { DOCKER_HOST: `unix://${path("socket")}` };
  const options = ["--data-root", path("data"), "--exec-root", path("exec"), "--pidfile", path("docker.pid")];
  const network = ["--bridge", bridge, "--iptables=false", "--host", env.DOCKER_HOST];
  const engine: OwnEngine = {
    env,
    start: async () => {
      await daemon("dockerd", [...options, ...network], { log: path("log"), pidFile: path("pid") });
      while ((await run("docker", ["version"], { env })).code !== 0) {
        if (daemonPid(path("pid")) === null) throw new Error(`dockerd does not start: see ${path("log")}`);
        await sleep(100);
      }
    },
    stop: async () => {
      await stopDaemon(path("pid"), 30_000);
    },
    remove: async () => {
      await engine.stop();
      await run("ip", ["link", "delete", bridge]);
      rmSync(folder, { recursive: true });
    },
  };
  await engine.start();
  return engine;
}
