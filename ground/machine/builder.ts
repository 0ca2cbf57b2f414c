/** The BuildKit that builds the images. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuilderSetting, builderName, remoteBuilders } from "../../components/builderSettings.ts";
import { cacheDir, exclusively } from "../tools/cache.ts";
import { lastLine, type Result, run } from "../tools/exec.ts";
import { type Finding, GroundError, note } from "../tools/log.ts";
import { BUILDKIT } from "../tools/versions.ts";
import { endpoint, HOST_PROCESS, startBuildkitd, stopBuildkitd } from "./buildkitd.ts";
import { call, ensureBuildx, findBuildx, inspect, mustCall, type Seen } from "./buildx.ts";
import { keepCa, registriesToml, type Trusted } from "./registries.ts";
import { checkRemote, ensureRemotes } from "./remoteBuilder.ts";
import { otherUsers, use } from "./users.ts";

/** What the usual builder runs. */
const IMAGE = `moby/buildkit:${BUILDKIT}`;
/** How buildx makes the usual builder, but for its name. */
export const CONTAINER_BUILDER = [
  ...["--driver", "docker-container", "--driver-opt", "network=host", "--driver-opt", `image=${IMAGE}`],
  "--bootstrap",
];

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
    use();
    const buildx = await ensureBuildx();
    if (typeof setting !== "string") return await ensureRemotes(buildx, remoteBuilders(setting));
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

/** Whether a builder is one that runs of this program have made, and may make anew. */
export async function isOurs({ name, buildx }: Builder): Promise<boolean> {
  const seen = await inspect(buildx, name);
  if (seen?.endpoint === endpoint()) return true;
  return seen?.driver === "docker-container" && existsSync(markFile(name));
}

/**
 * Starts a builder of ours anew, with its cache, so that it trusts a registry's CA.
 * @throws GroundError if another run uses it, or if it does not start.
 */
export function trustRegistry({ name, driver, buildx }: Builder, registry: Trusted): Promise<void> {
  return exclusively("builder", async () => {
    const users = otherUsers();
    if (users.length > 0) {
      throw new GroundError(
        `The builder ${name} has to start anew to trust the CA of the registry ${registry.address}, and another run ` +
          `uses it (pid ${users.join(", ")}): wait for its end, then run this again.`,
      );
    }
    keepCa(registry);
    if (driver === "docker-container") {
      await mustCall(buildx, ["rm", "--keep-state", name]);
      const refusal = await createContainer(buildx, name, null);
      if (refusal !== null) throw new GroundError(`The builder ${name} does not start anew: ${refusal}.`);
    } else {
      await stopBuildkitd();
      await startBuildkitd();
    }
  });
}

/** The builder, if it runs; changes nothing. */
export async function findBuilder(setting: BuilderSetting): Promise<Builder | undefined> {
  const name = builderName(setting);
  const buildx = await findBuildx();
  const seen = buildx && (await inspect(buildx, name));
  return buildx && seen?.running ? { name, driver: seen.driver, buildx, why: "running" } : undefined;
}

/** Looks for the builder and changes nothing. */
export async function checkBuilder(setting: BuilderSetting): Promise<Finding> {
  const buildx = await findBuildx();
  if (!buildx) return { ok: false, text: "no buildx; `npm run up` gets it" };
  const remotes = remoteBuilders(setting);
  try {
    for (const remote of remotes) await checkRemote(remote);
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
  const names = typeof setting === "string" ? [setting] : remotes.map(({ name }) => name);
  const findings = await Promise.all(names.map((name) => look(buildx, name)));
  return { ok: findings.every(({ ok }) => ok), text: findings.map(({ text }) => text).join("; ") };
}

async function look(buildx: readonly string[], name: string): Promise<Finding> {
  const seen = await inspect(buildx, name);
  if (!seen) return { ok: false, text: `no builder ${name} yet; \`npm run up\` makes it` };
  const text = `${name}, driver ${seen.driver}, ${seen.running ? "running" : `not running: ${seen.problem}`}`;
  return { ok: seen.running, text };
}

/**
 * Ends a builder that a run of this program has made, unless another run uses it; its cache stays.
 * @returns whether it was ended.
 */
export function stopBuilder(name: string): Promise<boolean> {
  return exclusively("builder", async () => {
    if (otherUsers().length > 0) return false;
    const buildx = await findBuildx();
    const seen = buildx && (await inspect(buildx, name));
    if (buildx && seen?.endpoint === endpoint()) await call(buildx, ["rm", name]);
    const ours = buildx && seen?.driver === "docker-container" && seen.running && existsSync(markFile(name));
    const stopped = ours && (await call(buildx, ["stop", name])).code === 0;
    return (await stopBuildkitd()) || stopped === true;
  });
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
  const create = ["create", "--name", name, ...CONTAINER_BUILDER, ...registriesConfig()];
  const made = await call(buildx, create, 90_000);
  if (made.code === 0) {
    writeFileSync(markFile(name), "");
    return null;
  }
  await call(buildx, ["rm", "--force", name]);
  return reasonOf(made);
}

/** How a container builder is given the CAs of registries; without any, it has what buildx gives it. */
function registriesConfig(): string[] {
  const toml = registriesToml();
  if (toml === "") return [];
  const file = join(cacheDir("run"), "registries.toml");
  writeFileSync(file, toml);
  return ["--buildkitd-config", file];
}

function reasonOf(result: Result): string {
  const reason = lastLine(result.stderr).replace(/^(ERROR: |Error response from daemon: )+/, "");
  return `the docker-container driver failed (${reason})`;
}
