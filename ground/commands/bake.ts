import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "@pulumi/pulumi";
import type { Builder } from "../machine/builder.ts";
import type { Options } from "../options.ts";
import {
  type BakeFile,
  bakeFile,
  digestVariable,
  levels,
  PARENT,
  parentOf,
  SECRETS,
  secretsOf,
  targetsByDigest,
} from "../program/bakeFile.ts";
import { BAKE_LABEL, runContainer } from "../program/containers.ts";
import { type Recording, record } from "../program/record.ts";
import type { Stack } from "../program/stack.ts";
import { diagnose } from "../tools/diagnose.ts";
import { buildxConfig, loginFolder } from "../tools/dockerConfig.ts";
import { must, run } from "../tools/exec.ts";
import { GroundError, note, say, warn } from "../tools/log.ts";
import { ask, type Login } from "../tools/registry.ts";
import { checkRegistry, type Ground, prepare } from "./prepare.ts";
import { type Images, report } from "./report.ts";

const FILE = "docker-bake.json";
const PASSWORD = ".catalog/registry-password";

/** `npm run bake`: the program's images as a docker-bake.json, and with --build built, pushed and run from it. */
export async function bake(options: Options, given?: Ground): Promise<number> {
  const ground = given ?? (await prepare(options, BAKE_LABEL));
  const { stack } = ground;
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
  const docker = loginFolder(login);
  try {
    const digests = await build(file, ground.builder, docker);
    const real = (value: unknown) => withDigests(value, targetsByDigest(recording), digests);
    const images = real(recording.outputs.images) as Images;
    for (const service of containersOf(recording, "catalog:service:Container")) {
      const image = real(service.inputs.image) as string;
      await must("docker", ["--config", docker, "pull", "--quiet", image]);
      await runContainer(stack.name, service, image);
    }
    const answers = await report(images, login, recording.outputs.serviceUrl as string | null);
    return answers ? 0 : 1;
  } finally {
    rmSync(docker, { recursive: true });
  }
}

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

/** The digests by target, level by level: a child needs its parent's. */
async function build(file: BakeFile, builder: Builder, dockerConfig: string): Promise<Map<string, string>> {
  const [command = "", ...args] = builder.buildx;
  const digests = new Map<string, string>();
  const metadata = join(dockerConfig, "metadata.json");
  for (const targets of levels(file)) {
    const variables = [...digests].map(([target, digest]) => [digestVariable(target), digest]);
    // The file's `target:` would do, but a parent out of the registry is what the engine builds from, to the byte.
    const parents = targets.flatMap((target) => {
      const parent = parentOf(file, target);
      const image = parent && `docker-image://${file.target[parent]?.tags[0]}@${digests.get(parent)}`;
      return image ? ["--set", `${target}.contexts.${PARENT}=${image}`] : [];
    });
    const result = await run(
      command,
      [
        ...args,
        "bake",
        "--file",
        FILE,
        "--builder",
        builder.name,
        "--metadata-file",
        metadata,
        ...parents,
        ...targets,
      ],
      {
        quiet: false,
        env: { ...Object.fromEntries(variables), DOCKER_CONFIG: dockerConfig, BUILDX_CONFIG: buildxConfig() },
      },
    );
    if (result.code !== 0) {
      const cause = diagnose(result.stderr) ?? "The builder's own message is above.";
      throw new GroundError(`Building ${targets.join(", ")} failed. ${cause}`);
    }
    const built = JSON.parse(readFileSync(metadata, "utf8")) as Record<
      string,
      { "containerimage.digest": string }
    >;
    for (const target of targets) digests.set(target, built[target]?.["containerimage.digest"] ?? "");
  }
  return digests;
}

/** A value of the recording with the digests that were built in place of those that were made up. */
function withDigests(
  value: unknown,
  madeUp: ReadonlyMap<string, string>,
  built: ReadonlyMap<string, string>,
): unknown {
  let text = JSON.stringify(value);
  for (const [digest, target] of madeUp) text = text.replaceAll(`${digest}"`, `${built.get(target)}"`);
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
