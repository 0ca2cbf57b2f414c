import { existsSync } from "node:fs";
import { preparedSources } from "../../components/sources.ts";
import { checkBuilder, findBuilder } from "../machine/builder.ts";
import { checkDocker } from "../machine/docker.ts";
import { checkPulumi, type Found, type Missing } from "../machine/pulumi.ts";
import type { Options } from "../options.ts";
import { loginOf, outsideLogin, type StackLogin } from "../program/login.ts";
import { readStack, type Stack } from "../program/stack.ts";
import { chooseBackend, ensureState } from "../program/state.ts";
import { accessChecks, type Check, pushChecks, trustChecks } from "../registry/checks.ts";
import { cacheDir, freeBytes } from "../tools/cache.ts";
import { run } from "../tools/exec.ts";
import { type Finding, GroundError, note, say, warn } from "../tools/log.ts";

/** `npm run doctor`: what is there and what would be chosen; changes nothing. */
export async function doctor(options: Options): Promise<number> {
  const stack = readStack(options.stack ?? "dev");
  say("node", `${process.versions.node}, ${process.execPath}`);
  const engine = await checkDocker();
  tell("docker", engine);
  const builder = await checkBuilder(stack.config.builder);
  tell("builder", builder);
  const pulumi = await checkPulumi();
  tell("pulumi", {
    ok: pulumi.found,
    text: pulumi.found ? `${pulumi.version}, ${pulumi.command}, ${pulumi.why}` : pulumi.why,
  });
  say("state", chooseBackend().text);
  const { address, embedded, image } = stack.config.registry;
  const systems = stack.config.systems.map(({ name, version }) => `${name} ${version}`).join(", ");
  const { from } = stack.config.promote;
  const images = from === undefined ? systems : `the images of ${from}`;
  say("stack", `${stack.name}, ${images}, ${embedded ? "embedded" : "shared"} registry ${address}`);
  if (engine.ok && embedded && (await run("docker", ["image", "inspect", image])).code !== 0) {
    const otherwise = options.stack === undefined ? ", and takes the stack restricted where it cannot" : "";
    note("registry", `${image.split("@")[0]} is not here yet: \`npm run up\` pulls or makes it${otherwise}`);
  }
  for (const { key } of preparedSources(stack.config)) {
    const ok = existsSync(`${cacheDir("sources")}/${key}/index.json`);
    tell("source", { ok, text: `${key}: ${ok ? "prepared" : "not prepared yet; `npm run up` does it"}` });
  }
  const registry = embedded || (await tellRegistry(stack, pulumi));
  say("disk", `${(freeBytes(cacheDir()) / 1e9).toFixed(0)} GB free at ${cacheDir()}`);
  return engine.ok && registry ? 0 : 1;
}

const tell = (topic: string, { ok, text }: Finding) => (ok ? say(topic, text) : warn(topic, text));

/** What stands between a registry that exists and those who use it. @returns whether nothing does. */
async function tellRegistry(stack: Stack, pulumi: Found | Missing): Promise<boolean> {
  let login: StackLogin;
  try {
    login = await (pulumi.found && stack.hasPassword
      ? loginOf(pulumi, ensureState(), stack)
      : outsideLogin(stack));
  } catch (error) {
    if (!(error instanceof GroundError)) throw error;
    warn("login", error.message);
    return false;
  }
  const { builder: setting, promote } = stack.config;
  const builder = promote.from === undefined ? await findBuilder(setting) : undefined;
  const access = await tellAll(accessChecks(stack, login));
  // Where it does not answer, nobody else gets further.
  if (access?.topic === "registry") return false;
  const push = access ?? (await tellAll(pushChecks(stack, login)));
  const trust = await tellAll(trustChecks(stack, builder, false));
  return push === undefined && trust === undefined;
}

/** Prints checks. @returns the first that does not hold, and that `npm run up` would not mend. */
async function tellAll(checks: AsyncIterable<Check>): Promise<Check | undefined> {
  let wrong: Check | undefined;
  for await (const check of checks) {
    if (check.later) note(check.topic, check.text);
    else tell(check.topic, check);
    if (!check.ok && !check.later) wrong ??= check;
  }
  return wrong;
}
