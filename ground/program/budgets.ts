import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Parser, type ReadEntry } from "tar";
import type { Config } from "../../components/settings.ts";
import { type Branch, treeOf } from "../../components/tree.ts";
import { instructionOf } from "../tools/buildLog.ts";
import { type Blob, blobOf, bytesOf, type Login, manifestOf } from "../tools/registry.ts";
import { megabytes, type Part, type Size } from "./sizes.ts";

/** How many files of a layer are named. */
const NAMED = 5;
/** From how many bytes on a layer is one to look at. */
const TELLING = 100_000;

/** How much an image may add to what it is built from. */
export interface Budget {
  /** In MB, compressed. */
  readonly most: number;
  /** The setting that says so. */
  readonly setting: string;
}

/** The budget of every image that a stack builds, by its layer's name. */
export function budgetsOf(config: Config): Map<string, Budget> {
  const lists = Object.entries(treeOf(config)) as [keyof Config["budgets"], Branch<{ budget?: number }>[]][];
  return new Map(
    lists.flatMap(([list, branches]) =>
      branches.map(({ name, settings: { budget } }) => [
        name,
        budget === undefined
          ? { most: config.budgets[list], setting: `budgets.${list}` }
          : { most: budget, setting: "its own `budget`" },
      ]),
    ),
  );
}

/**
 * What is over its budget, with the largest files of each of its layers; undefined where nothing is.
 * @throws GroundError if the registry does not give the layers.
 */
export async function overBudget(
  sizes: readonly Size[],
  budgets: ReadonlyMap<string, Budget>,
  login: Login,
): Promise<string | undefined> {
  const lines: string[] = [];
  for (const { name, repository, parts } of sizes) {
    const { most, setting } = budgets.get(name) ?? { most: Number.POSITIVE_INFINITY, setting: "" };
    const over = parts.find(({ own }) => bytesOf(own) > most * 1e6);
    if (!over) continue;
    const added = megabytes(bytesOf(over.own));
    lines.push(`  - ${name} adds ${added}, and ${setting} is ${most} MB. Its largest files, by layer:`);
    lines.push(...(await layersOf(over, repository, login)));
  }
  if (lines.length === 0) return undefined;
  const advice = "Make them smaller, or give them a larger budget in the stack file.";
  return ["These images are built and pushed, and over their budgets:", ...lines, advice].join("\n");
}

/** The layers that an image adds, the largest first, and the largest files in each. */
async function layersOf({ digest, own }: Part, repository: string, login: Login): Promise<string[]> {
  const steps = await stepsOf(login, repository, digest);
  const lines: string[] = [];
  const telling = own.filter(({ size }) => size >= TELLING).sort((a, b) => b.size - a.size);
  for (const layer of telling) {
    const { body } = await blobOf(login, repository, layer.digest);
    const files = body ? await largestFiles(body as ReadableStream) : [];
    lines.push(`      ${megabytes(layer.size)}, ${steps.get(layer.digest)}`);
    lines.push(...files.map(({ path, size }) => `        ${megabytes(size).padStart(8)}  /${path}`));
  }
  return lines;
}

/** The instruction that has made each layer of an image, by the layer's digest. */
async function stepsOf(login: Login, repository: string, digest: string): Promise<Map<string, string>> {
  const { config = "", layers = [] } = (await manifestOf(login, repository, digest)) ?? {};
  const { history = [] } = (await (await blobOf(login, repository, config)).json()) as {
    history?: { created_by?: string; empty_layer?: boolean }[];
  };
  const steps = history.filter(({ empty_layer }) => !empty_layer);
  return new Map(layers.map((layer: Blob, i) => [layer.digest, instructionOf(steps[i]?.created_by ?? "")]));
}

/** The largest files of a layer, which is a tar archive, compressed or not. */
async function largestFiles(archive: ReadableStream): Promise<{ path: string; size: number }[]> {
  const files: { path: string; size: number }[] = [];
  const parser = new Parser({ strict: true });
  parser.on("entry", (entry: ReadEntry) => {
    if (entry.type === "File") files.push({ path: entry.path, size: entry.size });
    entry.resume();
  });
  await pipeline(Readable.fromWeb(archive), parser as unknown as NodeJS.WritableStream);
  return files.sort((a, b) => b.size - a.size).slice(0, NAMED);
}
