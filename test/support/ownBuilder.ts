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

/** A builder that trusts a registry; the one of the machine need not. */
export async function startBuilder(
  name: string,
  { address, caFile }: TlsRegistry,
): Promise<{ stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-builder-"));
  const [config, socket, pidFile] = ["config.toml", "socket", "pid"].map((file) => join(folder, file)) as [
    string,
    string,
    string,
  ];
  writeFileSync(config, `[registry."${address}"]\nca = ["${caFile}"]\n`);
  const options = ["--config", config, "--root", join(folder, "state"), "--addr", `unix://${socket}`];
  await daemon(buildkitd as string, [...options, "--oci-worker-net", "host"], {
    log: join(folder, "log"),
    pidFile,
  });
  const [command = "", ...args] = await ensureBuildx();
  await must(command, [...args, "create", "--name", name, "--driver", "remote", `unix://${socket}`]);
  await must(command, [...args, "inspect", "--bootstrap", name]);
  return {
    stop: async () => {
      await run(command, [...args, "rm", "--keep-daemon", name]);
      await stopDaemon(pidFile);
      rmSync(folder, { recursive: true });
    },
  };
}
