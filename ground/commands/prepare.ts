import { existsSync } from "node:fs";
import { type Builder, ensureBuilder } from "../machine/builder.ts";
import { ensureDocker, portHolder } from "../machine/docker.ts";
import { ensureRegistryImage, registryImage } from "../machine/registryImage.ts";
import type { Options } from "../options.ts";
import type { StackLogin } from "../program/login.ts";
import { readStack, type Stack } from "../program/stack.ts";
import { accessChecks, need, pushChecks, trustChecks } from "../registry/checks.ts";
import { prepareSources } from "../sources/sources.ts";
import { cacheDir, freeBytes } from "../tools/cache.ts";
import { lastLine, must, run } from "../tools/exec.ts";
import { GroundError, say, warn } from "../tools/log.ts";

/** What everything that follows stands on. */
export interface Ground {
  readonly stack: Stack;
  /** Undefined for a stack that builds nothing: images are copied by the provider itself. */
  readonly builder: Builder | undefined;
}

/** The cold chain writes about 3 GB: compilers, objects, layers in the builder, the registry and the engine. */
const NEEDED_BYTES = 3e9;

/**
 * Sets the machine up for a stack: engine, sources, builder; everything is looked for first.
 * @param label of the containers that are about to be made: those of this stack may hold its ports already.
 * @throws GroundError with one sentence for what cannot be had.
 */
export async function prepare(options: Options, label: string): Promise<Ground> {
  const named = options.stack === undefined ? undefined : readStack(options.stack);
  const engine = await ensureDocker();
  say("docker", `${engine.version}, ${engine.why}`);
  const stack = named ?? (await chooseStack());
  await checkPorts(stack, label);
  if (stack.config.promote.from !== undefined) return { stack, builder: undefined };
  await checkDisk();

  if (stack.config.registry.image === registryImage) await ensureRegistryImage();
  await prepareSources(stack.config);

  const builder = await ensureBuilder(stack.config.builder);
  say("builder", `${builder.name}, ${builder.driver}, ${builder.why}`);
  return { stack, builder };
}

let chosen: Promise<Stack> | undefined;

/** The stack `dev`, or `restricted` where the image registry with dev's images cannot be reached: asked, and said, once. */
export async function chooseStack(): Promise<Stack> {
  chosen ??= choose();
  return await chosen;
}

async function choose(): Promise<Stack> {
  const dev = readStack("dev");
  const { image } = dev.config.registry;
  if (!dev.config.registry.embedded || (await run("docker", ["image", "inspect", image])).code === 0)
    return dev;
  const pull = await run("docker", ["pull", "--quiet", image], { timeout: 60_000 });
  if (pull.code === 0) return dev;
  // `Error response from daemon: Get "https://…": dial tcp: lookup … on 192.0.2.1:53: no such host`
  const reason = lastLine(pull.stderr)
    .replace(/^.*?dial tcp: /, "")
    .replace(/ on \S+(?=:)/, "");
  warn("stack", `restricted instead of dev: ${image.split("@")[0]} cannot be pulled (${reason})`);
  return readStack("restricted");
}

/** The ports that a stack publishes: free, or held by its own containers. */
async function checkPorts({ name, config }: Stack, label: string): Promise<void> {
  const ports = config.applications.flatMap(({ name, publish }) =>
    publish ? [{ port: publish, of: name }] : [],
  );
  if (config.registry.embedded) {
    ports.push({ port: Number(config.registry.address.split(":")[1]), of: "the registry" });
  }
  for (const { port, of } of ports) {
    const holder = await portHolder(port);
    if (holder === null || holder.includes(`${label}=${name}`)) continue;
    throw new GroundError(
      `Port ${port}, on which ${of} of stack ${name} is to answer, is in use by ${holder.replace(/ \(.*/, "")}; ` +
        `stop that (what this project runs, by \`npm run down\`), or change the port in Pulumi.${name}.yaml.`,
    );
  }
}

/** @throws GroundError where a build would run out of disk half-way. */
async function checkDisk(): Promise<void> {
  const { stdout } = await must("docker", ["info", "--format", "{{.DockerRootDir}}"]);
  for (const folder of [stdout.trim(), cacheDir()].filter((path) => existsSync(path))) {
    const free = freeBytes(folder);
    if (free >= NEEDED_BYTES) continue;
    throw new GroundError(
      `The disk is nearly full: ${folder} has ${(free / 1e9).toFixed(1)} GB free, ${NEEDED_BYTES / 1e9} GB are needed.`,
    );
  }
}

/** @throws GroundError with the first thing that stands between a registry that exists and those who use it. */
export async function checkRegistry(
  stack: Stack,
  login: StackLogin,
  builder: Builder | undefined,
): Promise<void> {
  const { embedded, address } = stack.config.registry;
  if (embedded) return;
  await need(accessChecks(stack, login), pushChecks(stack, login), trustChecks(stack, builder, true));
  say("registry", `${address}, logged in to as ${login.username}, from ${login.from}`);
}
