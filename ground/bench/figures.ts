import type { BuilderSetting } from "../../components/builderSettings.ts";
import type { Builder } from "../machine/builder.ts";
import type { Found } from "../machine/pulumi.ts";

/** What every benchmark is given. */
export interface Bench {
  readonly pulumi: Found;
  /** What an embedded registry runs on this machine. */
  readonly registryImage: string;
  /** The buildx builder. */
  readonly builder: BuilderSetting;
  /** The same, as it runs. */
  readonly running: Builder;
  /** How many images its trees have; undefined: as many as the benchmark has by itself. */
  readonly images: number | undefined;
  /** How often everything is done that can be done again. */
  readonly repeat: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** Measures something and leaves nothing behind, however it ends. */
export type Benchmark = (bench: Bench) => Promise<Figure[]>;

/** What one benchmark has found. */
export interface Figure {
  readonly title: string;
  /** What was done, for a reader who has only the table. */
  readonly method: string;
  /** What is compared, as the table names it: the catalog, or what is new, first. */
  readonly sides: readonly [string, string];
  /** What is counted, such as "s". */
  readonly unit: string;
  readonly rows: readonly Row[];
  /** What follows from several rows. */
  readonly remarks?: readonly string[];
}

/** One thing, done by both sides: what was measured each time; nothing of a side that does not have it. */
export interface Row {
  readonly what: string;
  readonly first: readonly number[];
  readonly second: readonly number[];
}

/** A row to be filled. */
export const emptyRow = (what: string) => ({ what, first: [] as number[], second: [] as number[] });

export const minimum = (values: readonly number[]): number => Math.min(...values);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A figure's rows as a Markdown table, aligned for a terminal. */
export function table({ sides: [one, other], unit, rows }: Figure): string {
  const titles = [`${one}: min`, "median", `${other}: min`, "median", "ratio of mins", "of medians"];
  const head = ["", "times", ...titles];
  const cells = rows.map(({ what, first, second }) => [
    what,
    `${first.length}`,
    ...[minimum(first), median(first), minimum(second), median(second)].map((value) =>
      Number.isFinite(value) ? `${value.toFixed(1)} ${unit}` : "·",
    ),
    ...[minimum(first) / minimum(second), median(first) / median(second)].map((ratio) =>
      Number.isFinite(ratio) && second.length > 0 ? ratio.toFixed(2) : "·",
    ),
  ]);
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const pad = (row: string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [pad(head), rule, ...cells.map(pad)].map((row) => `| ${row.join(" | ")} |\n`).join("");
}
