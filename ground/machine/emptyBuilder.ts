/** Builders that have built nothing yet, and are gone afterwards: what a CI runner starts with. */
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDir } from "../tools/cache.ts";
import { daemon, stopDaemon } from "../tools/daemon.ts";
import { which } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import { BUILDKIT } from "../tools/versions.ts";
import { type Builder, CONTAINER_BUILDER } from "./builder.ts";
import { call, ensureBuildx, mustCall } from "./buildx.ts";
import { registryToml, type Trusted } from "./registries.ts";

/** Something that was started, and can be ended. */
export interface Started {
  stop(): Promise<void>;
}

const buildkitd = () => which("buildkitd") ?? globSync(join(cacheDir("bin"), "buildkitd-*"))[0];

/** Why a buildkitd of one's own cannot run as a process of this host; false where it can. */
export function noEmptyBuildkit(): string | false {
  return process.getuid?.() !== 0 || buildkitd() === undefined
    ? "a builder of its own needs root and buildkitd as a process"
    : false;
}

/** Starts a buildkitd that has built nothing yet. @param options how it answers, and what else it is given. */
export async function startBuildkit(options: readonly string[]): Promise<Started> {
  const binary = buildkitd();
  if (binary === undefined) throw new GroundError(`buildkitd ${BUILDKIT} is not on this machine.`);
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-buildkit-"));
  const pidFile = join(folder, "pid");
  const own = ["--root", join(folder, "state"), "--otel-socket-path", join(folder, "otel")];
  await daemon(binary, [...own, "--oci-worker-net", "host", ...options], {
    log: join(folder, "log"),
    pidFile,
    env: { TMPDIR: folder },
  });
  return {
    stop: async () => {
      await stopDaemon(pidFile);
      rmSync(folder, { recursive: true });
    },
  };
}

/** The same as a builder of buildx. @param trusted a registry that it trusts; the one of the machine need not. */
export async function startBuilder(name: string, trusted?: Trusted): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-builder-"));
  const [config, socket] = [join(folder, "config.toml"), join(folder, "socket")];
  writeFileSync(config, trusted ? registryToml(trusted) : "");
  const buildkit = await startBuildkit(["--config", config, "--addr", `unix://${socket}`]);
  const buildx = await ensureBuildx();
  await mustCall(buildx, ["create", "--name", name, "--driver", "remote", `unix://${socket}`]);
  await mustCall(buildx, ["inspect", "--bootstrap", name]);
  return {
    stop: async () => {
      await call(buildx, ["rm", "--keep-daemon", name]);
      await buildkit.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A builder that has built nothing yet, by the driver of one that is there. */
export async function emptyBuilder(name: string, { driver, buildx }: Builder): Promise<Started> {
  if (driver !== "docker-container") return await startBuilder(name);
  await mustCall(buildx, ["create", "--name", name, ...CONTAINER_BUILDER]);
  return { stop: async () => void (await call(buildx, ["rm", name])) };
}
