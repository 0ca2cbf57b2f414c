import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { choice } from "../../components/problems.ts";
import { againstBare } from "../bench/againstBare.ts";
import { cache } from "../bench/cache.ts";
import { chain } from "../bench/chain.ts";
import type { Bench, Benchmark } from "../bench/figures.ts";
import { describeMachine, page, type Report, section } from "../bench/page.ts";
import { python } from "../bench/python.ts";
import { service } from "../bench/service.ts";
import { sizes } from "../bench/sizes.ts";
import { SMALLEST } from "../bench/tree.ts";
import { trees } from "../bench/trees.ts";
import { leavingAsFound } from "../machine/asFound.ts";
import { ensureBuilder } from "../machine/builder.ts";
import { ensureDocker } from "../machine/docker.ts";
import { findPulumi } from "../machine/pulumi.ts";
import { ensureRegistryImage, registryImage } from "../machine/registryImage.ts";
import type { Options } from "../options.ts";
import { readStack } from "../program/stack.ts";
import { interruptible } from "../tools/interruptible.ts";
import { GroundError, logToStderr, note } from "../tools/log.ts";
import { chooseStack } from "./prepare.ts";

/** All of them, in the order of the page. */
const benchmarks: Readonly<Record<string, Benchmark>> = {
  bare: againstBare,
  trees,
  chain,
  cache,
  sizes,
  python,
  service,
};

/** What has been measured, by benchmark, and the page that is made of it. */
const [DATA, PAGE] = ["docs/benchmarks.json", "docs/benchmarks.md"];

/** `npm run bench`: what the catalog costs beside others, measured with the real engine on images of its own. */
export async function bench(options: Options): Promise<number> {
  logToStderr();
  const names = named(options.args ?? []);
  const [images, repeat] = [whole(options, "images", SMALLEST), whole(options, "repeat", 1) ?? 3];
  const pulumi = await findPulumi();
  if (!pulumi.found) throw new GroundError(pulumi.why);
  const { builder } = readStack("dev").config;
  return await interruptible(async (signal) => {
    try {
      await leavingAsFound(builder, async () => {
        const ground = await prepare({ pulumi, builder, images, repeat, signal });
        const reports: Record<string, Report> = {};
        for (const name of names) {
          reports[name] = await measure(name, ground);
          if (!options.json) process.stdout.write(`${section(reports[name])}\n`);
          if (options.write) write(reports);
        }
        if (options.json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
      });
      return 0;
    } catch (error) {
      if (!signal.aborted) throw error;
      note("bench", "ended before its time; nothing of it is left");
      return 130;
    }
  });
}

type Ground = { bench: Bench; machine: string };

async function prepare(given: Omit<Bench, "registryImage" | "running">): Promise<Ground> {
  const engine = await ensureDocker();
  const { image } = (await chooseStack()).config.registry;
  if (image === registryImage) await ensureRegistryImage();
  const running = await ensureBuilder(given.builder);
  return {
    bench: { ...given, registryImage: image, running },
    machine: describeMachine(given.pulumi, engine, running),
  };
}

async function measure(name: string, { bench, machine }: Ground): Promise<Report> {
  const { images, repeat } = bench;
  const options = [...(images === undefined ? [] : [`--images ${images}`]), `--repeat ${repeat}`];
  const date = new Date().toISOString();
  const before = loadavg()[0] ?? 0;
  const figures = await (benchmarks[name] as Benchmark)(bench);
  const load = [before, loadavg()[0] ?? 0] as const;
  return { command: `npm run bench -- ${name} ${options.join(" ")}`, date, machine, load, figures };
}

/** Keeps what other benchmarks have measured before. */
function write(reports: Readonly<Record<string, Report>>): void {
  const before = existsSync(DATA) ? JSON.parse(readFileSync(DATA, "utf8")) : {};
  const all: Record<string, Report> = { ...before, ...reports };
  writeFileSync(DATA, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(PAGE, page(Object.keys(benchmarks).flatMap((name) => all[name] ?? [])));
}

/** @throws GroundError for a name that is no benchmark's. */
function named(names: readonly string[]): readonly string[] {
  const all = Object.keys(benchmarks);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown === undefined) return names.length > 0 ? names : all;
  throw new GroundError(`There is no benchmark "${unknown}"; ${choice(unknown, all)}.`);
}

/** @throws GroundError if it is given and not a whole number, or less than `least`. */
function whole(options: Options, name: "images" | "repeat", least: number): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= least) return Number(text);
  throw new GroundError(`--${name} is "${text}"; a whole number, at least ${least}, is needed.`);
}
