import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { againstBare } from "../bench/againstBare.ts";
import type { Bench, Figure } from "../bench/figures.ts";
import { describeMachine, page, type Report } from "../bench/page.ts";
import { SMALLEST } from "../bench/tree.ts";
import { leavingAsFound } from "../machine/asFound.ts";
import { ensureBuilder } from "../machine/builder.ts";
import { ensureDocker } from "../machine/docker.ts";
import { findPulumi } from "../machine/pulumi.ts";
import { ensureRegistryImage, registryImage } from "../machine/registryImage.ts";
import type { Options } from "../options.ts";
import { readStack } from "../program/stack.ts";
import { GroundError, logToStderr, note } from "../tools/log.ts";
import { chooseStack } from "./prepare.ts";

const PAGE = "docs/benchmarks.md";

/** Every benchmark; each leaves nothing behind, however it ends. */
const benchmarks: readonly ((bench: Bench) => Promise<Figure>)[] = [againstBare];

/** `npm run bench`: what the catalog costs, measured with the real engine on images of its own. */
export async function bench(options: Options): Promise<number> {
  logToStderr();
  const [images, repeat] = [whole(options, "images", SMALLEST, 300), whole(options, "repeat", 1, 3)];
  const pulumi = await findPulumi();
  if (!pulumi.found) throw new GroundError(pulumi.why);
  const { builder } = readStack("dev").config;
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, interrupt);
  try {
    const work = () => measure({ pulumi, builder, images, repeat, signal: stop.signal });
    const report = await leavingAsFound(builder, work);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : page(report));
    if (options.write) {
      mkdirSync("docs", { recursive: true });
      writeFileSync(PAGE, page(report));
    }
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    note("bench", "ended before its time; nothing of it is left");
    return 130;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, interrupt);
  }
}

async function measure(given: Omit<Bench, "registryImage">): Promise<Report> {
  const engine = await ensureDocker();
  const { image } = (await chooseStack()).config.registry;
  if (image === registryImage) await ensureRegistryImage();
  const builder = await ensureBuilder(given.builder);
  const { pulumi, images, repeat } = given;
  const date = new Date().toISOString();
  const load = loadavg()[0] ?? 0;
  const figures: Figure[] = [];
  for (const benchmark of benchmarks) figures.push(await benchmark({ ...given, registryImage: image }));
  return {
    command: `npm run bench -- --images ${images} --repeat ${repeat}`,
    date,
    machine: describeMachine(pulumi, engine, builder),
    load: [load, loadavg()[0] ?? 0],
    figures,
  };
}

/** @throws GroundError if it is not a whole number, or less than `least`. */
function whole(options: Options, name: "images" | "repeat", least: number, byDefault: number): number {
  const text = options[name] ?? `${byDefault}`;
  if (/^\d{1,5}$/.test(text) && Number(text) >= least) return Number(text);
  throw new GroundError(`--${name} is "${text}"; a whole number, at least ${least}, is needed.`);
}
