import type { BuilderSetting } from "../../components/builderSettings.ts";
import type { Found } from "../machine/pulumi.ts";

/** What every benchmark is given. */
export interface Bench {
  readonly pulumi: Found;
  /** What an embedded registry runs on this machine. */
  readonly registryImage: string;
  /** The buildx builder. */
  readonly builder: BuilderSetting;
  /** How many images its tree has. */
  readonly images: number;
  /** How often everything is done that can be done again. */
  readonly repeat: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** What one benchmark has found. */
export interface Figure {
  readonly title: string;
  /** What was done, for a reader who has only the table. */
  readonly method: string;
  readonly rows: readonly Row[];
}

/** One thing, done by the catalog and by what it is compared with: seconds of each time. */
export interface Row {
  readonly what: string;
  readonly catalog: readonly number[];
  readonly bare: readonly number[];
}

export const minimum = (seconds: readonly number[]): number => Math.min(...seconds);

export function median(seconds: readonly number[]): number {
  const sorted = [...seconds].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A figure's rows as a Markdown table, aligned for a terminal. */
export function table({ rows }: Figure): string {
  const head = ["", "times", "catalog: min", "median", "bare: min", "median", "ratio of mins", "of medians"];
  const cells = rows.map(({ what, catalog, bare }) => [
    what,
    `${catalog.length}`,
    ...[minimum(catalog), median(catalog), minimum(bare), median(bare)].map((s) => `${s.toFixed(1)} s`),
    ...[minimum(catalog) / minimum(bare), median(catalog) / median(bare)].map((ratio) => ratio.toFixed(2)),
  ]);
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const pad = (row: string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [pad(head), rule, ...cells.map(pad)].map((row) => `| ${row.join(" | ")} |\n`).join("");
}
