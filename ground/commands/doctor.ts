import { existsSync } from "node:fs";
import { preparedSources } from "../../components/sources.ts";
import { checkBuilder } from "../machine/builder.ts";
import { checkDocker } from "../machine/docker.ts";
import { checkPulumi } from "../machine/pulumi.ts";
import type { Options } from "../options.ts";
import { readStack } from "../program/stack.ts";
import { chooseBackend } from "../program/state.ts";
import { cacheDir, freeBytes } from "../tools/cache.ts";
import { run } from "../tools/exec.ts";
import { type Finding, note, say, warn } from "../tools/log.ts";

/** `npm run doctor`: what is there and what would be chosen; changes nothing. */
export async function doctor(options: Options): Promise<number> {
  const stack = readStack(options.stack ?? "dev");
  const tell = (topic: string, { ok, text }: Finding) => (ok ? say(topic, text) : warn(topic, text));
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
  say("disk", `${(freeBytes(cacheDir()) / 1e9).toFixed(0)} GB free at ${cacheDir()}`);
  return engine.ok ? 0 : 1;
}
