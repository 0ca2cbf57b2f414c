import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "@pulumi/pulumi";
import { token } from "../../components/hostLogin.ts";
import { parseReference } from "../../components/imageReference.ts";
import type { Options } from "../options.ts";
import { type BuildOptions, build } from "../program/bakeBuild.ts";
import { type BakeFile, bakeFile, writeSecrets } from "../program/bakeFile.ts";
import { indexesIn, pushIndexes, versionTagsIn } from "../program/bakeIndexes.ts";
import { BAKE_LABEL, runContainer } from "../program/containers.ts";
import { explain } from "../program/failures.ts";
import { layersOf } from "../program/layers.ts";
import { outsideLogin, type StackLogin } from "../program/login.ts";
import { checkRecording } from "../program/policies.ts";
import { type Recording, type Registration, record, recordedDigest } from "../program/record.ts";
import type { Images } from "../program/sizes.ts";
import { readStack, type Stack } from "../program/stack.ts";
import { trustEnv } from "../program/state.ts";
import { withLogin } from "../tools/dockerConfig.ts";
import { must } from "../tools/exec.ts";
import { GroundError, note, say, warn } from "../tools/log.ts";
import { digestOf, isReachable, type Login } from "../tools/registry.ts";
import { checkRegistry, type Ground, prepare } from "./prepare.ts";
import { report } from "./report.ts";

const FILE = "docker-bake.json";
const PASSWORD = ".catalog/registry-password";

/** `npm run bake`: the program's images as a docker-bake.json, and with --build built, pushed and run from it. */
export async function bake(options: Options, given?: Ground): Promise<number> {
  // Before anything is looked for: nothing of it would be used.
  const named = options.stack === undefined ? undefined : readStack(options.stack);
  if (named) builds(named);
  const { stack, builder } = given ?? (await prepare(options, BAKE_LABEL));
  if (builder === undefined) throw promotes(stack);
  const login = await ensureLogin(stack);
  const recording = await recorded(stack, login.password);
  checkRecording(stack, recording);
  const file = bakeFile(recording);
  writeFileSync(FILE, `${JSON.stringify(file, null, 2)}\n`);
  writeSecrets(recording);
  say("bake", `${FILE} with ${Object.keys(file.target).length} targets`);
  if (!options.build) {
    process.stdout.write(`\nNext: \`npm run bake -- --stack ${stack.name} --build\`.\n`);
    return 0;
  }
  await startRegistry(stack, recording, login);
  await checkRegistry(stack, login, builder);
  await checkVersionTags(stack, versionTagsIn(recording), login);
  const { images, serviceUrl } = await withLogin(login, (docker) =>
    buildAndRun(stack, recording, file, login, {
      ...stack.config,
      path: FILE,
      buildx: builder.buildx,
      docker: { ...docker, ...trustEnv(stack) },
    }),
  );
  return (await report(images, stack.config, login, serviceUrl)) ? 0 : 1;
}

/**
 * Builds and pushes all images, and runs what is to run.
 * @returns the outputs of the program with the digests that were built.
 * @throws GroundError that says what has failed.
 */
async function buildAndRun(
  stack: Stack,
  recording: Recording,
  file: BakeFile,
  login: StackLogin,
  options: BuildOptions,
): Promise<Outputs> {
  const layers = layersOf(recording);
  const { digests, failures } = await build(file, layers, options);
  const built = new Map(layers.map(({ name, resource }) => [resource, digests.get(name)]));
  const inputsOf = ({ inputs }: Registration) => withDigests(inputs, built);
  const joined = await pushIndexes(indexesIn(recording), inputsOf, login, options);
  failures.push(...joined.failures);
  const real = (value: unknown) => withDigests(value, new Map([...built, ...joined.digests]));
  for (const service of containersOf(recording, "catalog:service:Container")) {
    const image = real(service.inputs.image) as string;
    if (image === service.inputs.image) continue; // It is not built.
    try {
      await must("docker", ["pull", "--quiet", image], { env: options.docker });
      await runContainer(stack.name, service, image);
    } catch (error) {
      if (!(error instanceof GroundError)) throw error;
      failures.push({ name: service.name, log: error.message });
    }
  }
  if (failures.length > 0) throw new GroundError(explain(layers, new Set(digests.keys()), failures));
  return real(recording.outputs) as Outputs;
}

interface Outputs {
  readonly images: Images;
  readonly serviceUrl: string | null;
}

/** @throws GroundError for a stack that promotes. */
export function builds(stack: Stack): void {
  if (stack.config.promote.from !== undefined) throw promotes(stack);
}

const promotes = ({ name, config }: Stack) =>
  new GroundError(
    `The stack ${name} builds nothing: it promotes the images of ${config.promote.from}, for which Pulumi is needed: ` +
      `\`npm run up -- --stack ${name}\`.`,
  );

/** What the program registers for a stack, and what it says. */
export async function recorded(stack: Stack, password: string): Promise<Recording> {
  try {
    const recording = await record(stack, password);
    for (const { severity, text } of recording.messages) (severity === "warn" ? warn : note)("program", text);
    return recording;
  } catch (error) {
    if (RunError.isInstance(error)) throw new GroundError(error.message);
    throw error;
  }
}

/** A value of the recording with digests, by resource, in place of those that were made up. */
function withDigests(value: unknown, digests: ReadonlyMap<string, string | undefined>): unknown {
  let text = JSON.stringify(value);
  for (const [resource, digest] of digests) {
    if (digest) text = text.replaceAll(`${recordedDigest(resource)}"`, `${digest}"`);
  }
  return JSON.parse(text);
}

/** The containers that the program has put into components of a type. */
function containersOf({ resources }: Recording, component: string) {
  const parents = new Set(resources.filter(({ type }) => type === component).map(({ name }) => name));
  return resources.filter(
    ({ type, parent }) => type === "docker:index/container:Container" && parents.has(parent ?? ""),
  );
}

async function startRegistry(stack: Stack, recording: Recording, login: Login): Promise<void> {
  const containers = containersOf(recording, "catalog:service:EmbeddedRegistry");
  for (const container of containers) await runContainer(stack.name, container);
  // A started container does not listen yet.
  for (let tries = 0; containers.length > 0; tries++) {
    if (await isReachable(login)) break;
    if (tries === 100)
      throw new GroundError(`The embedded registry at ${login.address} has not answered for 20 seconds.`);
    await sleep(200);
  }
}

/** @throws GroundError for version tags that are published: without a state, nobody knows whether they are our own. */
async function checkVersionTags({ config }: Stack, tags: readonly string[], login: Login): Promise<void> {
  if (config.registry.embedded || config.registry.overwrite) return;
  const looked = tags.map(async (reference) => {
    const { repository, tag = "" } = parseReference(reference);
    return (await digestOf(login, repository, tag)) ? reference : [];
  });
  const published = (await Promise.all(looked)).flat();
  if (published.length === 0) return;
  throw new GroundError(
    [
      "These version tags are published: give what changes its next `revision` in the stack file, or set registry.overwrite to true.",
      ...published.map((tag) => `  - ${tag}`),
    ].join("\n"),
  );
}

/** Without Pulumi there is no stack secret; an embedded registry then has a password of this checkout's own. */
async function ensureLogin(stack: Stack): Promise<StackLogin> {
  const { embedded, address, username } = stack.config.registry;
  if (!embedded || token()) return await outsideLogin(stack);
  mkdirSync(".catalog", { recursive: true });
  if (!existsSync(PASSWORD)) writeFileSync(PASSWORD, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return { address, username, password: readFileSync(PASSWORD, "utf8"), from: PASSWORD };
}
