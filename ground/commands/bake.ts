import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "@pulumi/pulumi";
import { parseReference } from "../../components/imageReference.ts";
import type { Options } from "../options.ts";
import { build } from "../program/bakeBuild.ts";
import { type BakeFile, bakeFile, SECRETS, secretsOf } from "../program/bakeFile.ts";
import { BAKE_LABEL, runContainer } from "../program/containers.ts";
import { explain } from "../program/failures.ts";
import { type Layer, layersOf } from "../program/layers.ts";
import { type Recording, record, recordedDigest } from "../program/record.ts";
import { readStack, type Stack } from "../program/stack.ts";
import { loginFolder } from "../tools/dockerConfig.ts";
import { must } from "../tools/exec.ts";
import { GroundError, note, say, warn } from "../tools/log.ts";
import { ask, digestOf, type Login } from "../tools/registry.ts";
import { checkRegistry, type Ground, prepare } from "./prepare.ts";
import { type Images, report } from "./report.ts";

const FILE = "docker-bake.json";
const PASSWORD = ".catalog/registry-password";

/** `npm run bake`: the program's images as a docker-bake.json, and with --build built, pushed and run from it. */
export async function bake(options: Options, given?: Ground): Promise<number> {
  // Before anything is looked for: nothing of it would be used.
  const named = options.stack === undefined ? undefined : readStack(options.stack);
  if (named?.config.promote.from !== undefined) throw promotes(named);
  const { stack, builder } = given ?? (await prepare(options, BAKE_LABEL));
  if (builder === undefined) throw promotes(stack);
  const password = ensurePassword(stack);
  const recording = await recorded(stack, password);
  const file = bakeFile(recording);
  writeFileSync(FILE, `${JSON.stringify(file, null, 2)}\n`);
  writeSecrets(recording);
  say("bake", `${FILE} with ${Object.keys(file.target).length} targets`);
  if (!options.build) {
    process.stdout.write(`\nNext: \`npm run bake -- --stack ${stack.name} --build\`.\n`);
    return 0;
  }
  const login = { ...stack.config.registry, password };
  await startRegistry(stack, recording, login);
  await checkRegistry(stack, password);
  await checkVersionTags(stack, file, login);
  const docker = loginFolder(login);
  try {
    const layers = layersOf(recording);
    const { digests, failures } = await build(file, layers, {
      path: FILE,
      builder,
      dockerConfig: docker,
      parallel: stack.config.parallel,
    });
    const real = (value: unknown) => withDigests(value, layers, digests);
    for (const service of containersOf(recording, "catalog:service:Container")) {
      const image = real(service.inputs.image) as string;
      if (image === service.inputs.image) continue; // It is not built.
      try {
        await must("docker", ["--config", docker, "pull", "--quiet", image]);
        await runContainer(stack.name, service, image);
      } catch (error) {
        if (!(error instanceof GroundError)) throw error;
        failures.push({ name: service.name, log: error.message });
      }
    }
    if (failures.length > 0) throw new GroundError(explain(layers, new Set(digests.keys()), failures));
    const images = real(recording.outputs.images) as Images;
    const answers = await report(images, login, recording.outputs.serviceUrl as string | null);
    return answers ? 0 : 1;
  } finally {
    rmSync(docker, { recursive: true });
  }
}

const promotes = ({ name, config }: Stack) =>
  new GroundError(
    `The stack ${name} builds nothing: it promotes the images of ${config.promote.from}, for which Pulumi is needed: ` +
      `\`npm run up -- --stack ${name}\`.`,
  );

async function recorded(stack: Stack, password: string): Promise<Recording> {
  try {
    const recording = await record(stack, password);
    for (const { severity, text } of recording.messages) (severity === "warn" ? warn : note)("program", text);
    return recording;
  } catch (error) {
    if (RunError.isInstance(error)) throw new GroundError(error.message);
    throw error;
  }
}

/** A value of the recording with the digests that were built in place of those that were made up. */
function withDigests(
  value: unknown,
  layers: readonly Layer[],
  digests: ReadonlyMap<string, string>,
): unknown {
  let text = JSON.stringify(value);
  for (const { name, resource } of layers) {
    const digest = digests.get(name);
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
    if (await ask(login, "/v2/").catch(() => undefined)) break;
    if (tries === 100)
      throw new GroundError(`The embedded registry at ${login.address} has not answered for 20 seconds.`);
    await sleep(200);
  }
}

/** @throws GroundError for version tags that are published: without a state, nobody knows whether they are our own. */
async function checkVersionTags({ config }: Stack, { target }: BakeFile, login: Login): Promise<void> {
  if (config.registry.embedded || config.registry.overwrite) return;
  const looked = Object.values(target).map(async ({ tags: [reference = ""] }) => {
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

/** The secrets as files that only this user can read: docker-bake.json names them. */
function writeSecrets(recording: Recording): void {
  mkdirSync(SECRETS, { recursive: true, mode: 0o700 });
  for (const [id, content] of Object.entries(secretsOf(recording))) {
    writeFileSync(join(SECRETS, id), content, { mode: 0o600 });
  }
}

/** Without Pulumi there is no stack secret: the environment's, or one of this checkout's own. */
function ensurePassword({ name, config }: Stack): string {
  const { CATALOG_REGISTRY_PASSWORD: password } = process.env;
  if (password) return password;
  if (!config.registry.embedded) {
    throw new GroundError(
      `The password of ${config.registry.username} at ${config.registry.address} is missing: set CATALOG_REGISTRY_PASSWORD ` +
        `(\`bake\` cannot read the encrypted one of Pulumi.${name}.yaml).`,
    );
  }
  mkdirSync(".catalog", { recursive: true });
  if (!existsSync(PASSWORD)) writeFileSync(PASSWORD, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return readFileSync(PASSWORD, "utf8");
}
