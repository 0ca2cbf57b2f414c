/** The BuildKit that builds the images. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuilderSetting, builderName } from "../../components/builderSettings.ts";
import { cacheDir, exclusively } from "../tools/cache.ts";
import { lastLine, type Result, run } from "../tools/exec.ts";
import { type Finding, GroundError, note } from "../tools/log.ts";
import { BUILDKIT } from "../tools/versions.ts";
import { endpoint, HOST_PROCESS, startBuildkitd, stopBuildkitd } from "./buildkitd.ts";
import { call, ensureBuildx, findBuildx, inspect, mustCall, type Seen } from "./buildx.ts";
import { checkRemote, ensureRemote } from "./remoteBuilder.ts";

/** What the usual builder runs. */
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

/** Tells a container builder that we made from one of the same name that was there before. */
const markFile = (name: string) => join(cacheDir("run"), `builder-${name}`);

/**
 * Gives the builder, running. An existing one of the name is used as it is; else one is made with buildx's
 * docker-container driver; where that is refused, with a buildkitd that runs as a process of this host. For one
 * elsewhere, buildx is told where.
 * @throws GroundError when neither can be had, with the reason of each, or when the one elsewhere does not answer.
 */
export function ensureBuilder(setting: BuilderSetting): Promise<Builder> {
  return exclusively("builder", async () => {
    const buildx = await ensureBuildx();
    if (typeof setting !== "string") return await ensureRemote(buildx, setting);
    const name = setting;
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
export async function checkBuilder(setting: BuilderSetting): Promise<Finding> {
  const name = builderName(setting);
  const buildx = await findBuildx();
  if (!buildx) return { ok: false, text: "no buildx; `npm run up` gets it" };
  if (typeof setting !== "string") {
    try {
      await checkRemote(setting);
    } catch (error) {
      return { ok: false, text: (error as Error).message };
    }
  }
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
  await stopBuildkitd();
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
