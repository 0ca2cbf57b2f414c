import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBuildx } from "../../ground/machine/buildx.ts";
import { cacheDir } from "../../ground/tools/cache.ts";
import { daemon, stopDaemon } from "../../ground/tools/daemon.ts";
import { must, run, which } from "../../ground/tools/exec.ts";
import type { TlsRegistry } from "./tlsRegistry.ts";

const buildkitd = which("buildkitd") ?? globSync(join(cacheDir("bin"), "buildkitd-*"))[0];

/** Why there can be no builder of a test's own; false where there can. */
export const noOwnBuilder: string | false =
  process.getuid?.() !== 0 || buildkitd === undefined
    ? "a builder of its own needs root and buildkitd as a process"
    : false;

/** Starts a buildkitd that has built nothing yet. @param options how it answers, and what else it is given. */
export async function startBuildkit(options: readonly string[]): Promise<{ stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-buildkit-"));
  const pidFile = join(folder, "pid");
  const own = ["--root", join(folder, "state"), "--otel-socket-path", join(folder, "otel")];
  await daemon(buildkitd as string, [...own, "--oci-worker-net", "host", ...options], {
    log: join(folder, "log"),
    pidFile,
  });
  return {
    stop: async () => {
      await stopDaemon(pidFile);
      rmSync(folder, { recursive: true });
    },
  };
}

/** The same as a builder of buildx. @param trusted a registry that it trusts; the one of the machine need not. */
export async function startBuilder(
  name: string,
  trusted?: Pick<TlsRegistry, "address" | "caFile">,
): Promise<{ stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-builder-"));
  const [config, socket] = [join(folder, "config.toml"), join(folder, "socket")];
  writeFileSync(config, trusted ? `[registry."${trusted.address}"]\nca = ["${trusted.caFile}"]\n` : "");
  const buildkit = await startBuildkit(["--config", config, "--addr", `unix://${socket}`]);
  const [command = "", ...args] = await ensureBuildx();
  await must(command, [...args, "create", "--name", name, "--driver", "remote", `unix://${socket}`]);
  await must(command, [...args, "inspect", "--bootstrap", name]);
  return {
    stop: async () => {
      await run(command, [...args, "rm", "--keep-daemon", name]);
      await buildkit.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
