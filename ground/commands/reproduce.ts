import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { choice, found } from "../../components/problems.ts";
import { type Builder, ensureBuilder } from "../machine/builder.ts";
import { ensureDocker } from "../machine/docker.ts";
import { emptyBuilder } from "../machine/emptyBuilder.ts";
import type { Options } from "../options.ts";
import { TELLING } from "../program/bakeBuild.ts";
import { type BakeFile, bakeFile, targetName, writeSecrets } from "../program/bakeFile.ts";
import { type Layer, layersOf } from "../program/layers.ts";
import { readStack, type Stack } from "../program/stack.ts";
import { differences } from "../reproduce/compare.ts";
import { readLayout } from "../reproduce/layout.ts";
import { prepareSources } from "../sources/sources.ts";
import { reasonOf } from "../tools/buildLog.ts";
import { run } from "../tools/exec.ts";
import { interruptible } from "../tools/interruptible.ts";
import { GroundError, note, say, warn } from "../tools/log.ts";
import { builds, recorded } from "./bake.ts";
import { chooseStack } from "./prepare.ts";

/** Any: nothing is pushed. */
const PASSWORD = "none";

/**
 * `npm run reproduce`: builds images twice, each time on a builder that has built nothing, and compares what came out
 * to the byte; where they differ it says which files. Nothing is pushed.
 * @returns 1 if an image differs.
 */
export async function reproduce({ stack: name, args = [] }: Options): Promise<number> {
  const named = name === undefined ? undefined : readStack(name);
  await ensureDocker();
  const stack = named ?? (await chooseStack());
  builds(stack);
  await prepareSources(stack.config);
  const recording = await recorded(stack, PASSWORD);
  const layers = chosen(layersOf(recording), args);
  writeSecrets(recording);
  const like = await ensureBuilder(stack.config.builder);
  mkdirSync(".catalog", { recursive: true });
  const folder = mkdtempSync(join(process.cwd(), ".catalog", "reproduce-"));
  try {
    const file = bakeFile(recording);
    const targets = layers.map((layer) => targetName(layer.name));
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    await interruptible(async (signal) => {
      for (const place of [first, second]) {
        await buildInto(place, file, targets, like, stack, signal);
      }
    });
    return (await compared(layers, first, second)) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The layers that are asked for, each by its name or the beginning of it; all of them where none is. */
function chosen(layers: readonly Layer[], args: readonly string[]): readonly Layer[] {
  if (args.length === 0) return layers;
  return args.map((arg) => {
    const layer = layers.find(({ name }) => name === arg || name.startsWith(`${arg}-`));
    if (layer) return layer;
    const names = layers.map(({ name }) => name);
    throw new GroundError(`There is no such image: ${found(arg)}; ${choice(arg, names)}.`);
  });
}

/** Builds targets into OCI layouts on a builder of their own, and ends it. */
async function buildInto(
  place: string,
  file: BakeFile,
  targets: readonly string[],
  like: Builder,
  stack: Stack,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(place, { recursive: true });
  const name = `${stack.name}-reproduce-${process.pid}`;
  const path = join(place, "docker-bake.json");
  writeFileSync(path, JSON.stringify(intoLayouts(file, targets, relative(process.cwd(), place))));
  const builder = await emptyBuilder(name, like);
  try {
    note("reproduce", `building ${targets.join(", ")} on an empty builder, nothing is cached…`);
    const [command = "", ...args] = [...like.buildx, "bake", `--file=${path}`, `--builder=${name}`];
    const start = Date.now();
    const { code, stderr } = await run(command, [...args, "--progress=plain", ...targets], {
      each: (line) => {
        if (TELLING.test(line)) process.stdout.write(`${line}\n`);
      },
      signal,
    });
    if (signal.aborted) throw new GroundError("Interrupted; nothing of it is left.");
    if (code !== 0) throw new GroundError(`The images cannot be built: ${reasonOf(stderr)}.`);
    say("reproduce", `built in ${Math.round((Date.now() - start) / 1000)} s`);
  } finally {
    await builder.stop();
  }
}

/** The same images, into folders instead of a registry, and with no build cache from elsewhere. */
function intoLayouts(file: BakeFile, targets: readonly string[], folder: string): BakeFile {
  const changed = Object.entries(file.target).map(([name, target]) => {
    const output = target.output.map((raw) =>
      raw.replace("type=registry", `type=oci,tar=false,dest=${folder}/${name}`),
    );
    return [
      name,
      { ...target, "cache-from": [], "cache-to": [], output: targets.includes(name) ? output : [] },
    ];
  });
  return { ...file, target: Object.fromEntries(changed) };
}

/** Says of each image whether both builds have given the same. @returns whether all have. */
async function compared(layers: readonly Layer[], first: string, second: string): Promise<boolean> {
  const width = Math.max(...layers.map(({ name }) => name.length));
  let same = true;
  for (const { name } of layers) {
    const [one, other] = [first, second].map((place) => readLayout(join(place, targetName(name))));
    if (!one || !other) continue;
    const lines = await differences(one, other);
    const count = `${one.layers.length} layers`;
    if (lines.length === 0) say("same", `${name.padEnd(width)}  ${one.digest.slice(7, 19)}, ${count}`);
    else {
      same = false;
      warn(
        "differs",
        `${name.padEnd(width)}  ${one.digest.slice(7, 19)} and ${other.digest.slice(7, 19)}, ${count}`,
      );
      for (const line of lines) process.stdout.write(`    ${line}\n`);
    }
  }
  return same;
}
