import { isDeepStrictEqual } from "node:util";
import { type Entry, entriesOf, type LayoutImage, type LayoutLayer } from "./layout.ts";

/** How many files of a layer are named. */
const NAMED = 20;

/**
 * What two builds of an image have different.
 * @returns a line for each layer and what of its files differs; none if the two are the same to the byte.
 */
export async function differences(first: LayoutImage, second: LayoutImage): Promise<string[]> {
  if (first.digest === second.digest) return [];
  const lines: string[] = [];
  for (let i = 0; i < Math.max(first.layers.length, second.layers.length); i++) {
    const [one, other] = [first.layers[i], second.layers[i]];
    if (one?.digest === other?.digest) continue;
    lines.push(`layer ${i + 1}, ${one?.createdBy ?? other?.createdBy}`);
    if (one && other) lines.push(...(await filesOf(one, other)).map((line) => `  ${line}`));
    else lines.push(`  only in the ${one ? "first" : "second"}`);
  }
  const keys = [...new Set([...Object.keys(first.config), ...Object.keys(second.config)])];
  const unlike = keys.filter((key) => !isDeepStrictEqual(first.config[key], second.config[key]));
  // Each layer's checksum is in the configuration as well.
  if (lines.length === 0) lines.push(`the configuration: ${unlike.join(", ") || "its order or form"}`);
  return lines;
}

/** The files that differ between two layers, and in what; the first ones where they are many. */
async function filesOf(first: LayoutLayer, second: LayoutLayer): Promise<string[]> {
  const [one, other] = [await entriesOf(first), await entriesOf(second)];
  const paths = [...new Set([...one.keys(), ...other.keys()])].sort();
  const lines = paths.flatMap((path) => fileOf(path, one.get(path), other.get(path)));
  if (lines.length === 0) return ["the same files in another order, or another compression"];
  const more = lines.length - NAMED;
  return more > 0 ? [...lines.slice(0, NAMED), `and ${more} more files`] : lines;
}

function fileOf(path: string, one: Entry | undefined, other: Entry | undefined): string[] {
  if (!one || !other) return [`${path}: only in the ${one ? "first" : "second"}`];
  const unlike = (["kind", "content", "mode", "owner", "time"] as const).filter(
    (key) => one[key] !== other[key],
  );
  const shown = unlike.map((key) => (key === "content" ? key : `${key} ${one[key]} and ${other[key]}`));
  return shown.length > 0 ? [`${path}: ${shown.join(", ")}`] : [];
}
