import { cpus, totalmem } from "node:os";
import type { Builder } from "../machine/builder.ts";
import type { Engine } from "../machine/docker.ts";
import type { Found } from "../machine/pulumi.ts";
import { type Figure, table } from "./figures.ts";

/** What one benchmark has measured, by which command line, when and on what. */
export interface Report {
  readonly command: string;
  /** ISO 8601, in UTC. */
  readonly date: string;
  /** What the machine has, in words. */
  readonly machine: string;
  /** Its load average of a minute, before and after: what else ran beside it. */
  readonly load: readonly [number, number];
  readonly figures: readonly Figure[];
}

/** Processors, memory and versions; nothing that names the machine. */
export function describeMachine(pulumi: Found, engine: Engine, builder: Builder): string {
  const plugins = pulumi.plugins.map(({ name, version }) => `@pulumi/${name} ${version}`);
  return [
    `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 1e9)} GB`,
    `Node ${process.versions.node}`,
    `Pulumi ${pulumi.version}`,
    ...plugins,
    `Docker ${engine.version}`,
    `BuildKit by the ${builder.driver} driver`,
  ].join(", ");
}

const HEAD = `# Benchmarks

<!-- Made by \`npm run bench -- --write\` from benchmarks.json; run that again. -->

The load average is that of the machine before and after; above the number of cores, other work ran beside it, and only the ratios
mean something.
`;

/** The page docs/benchmarks.md. */
export const page = (reports: readonly Report[]): string => [HEAD, ...reports.map(section)].join("\n");

/** A report in Markdown: what is printed, and a part of docs/benchmarks.md. */
export function section({ command, date, machine, load, figures }: Report): string {
  return figures
    .flatMap((figure) => [
      `## ${figure.title}\n`,
      `${figure.method}\n`,
      table(figure),
      ...(figure.remarks ?? []).map((remark) => `${remark}\n`),
      `\`${command}\`, ${date.slice(0, 10)}. ${machine}. Load average ${load.map((value) => value.toFixed(1)).join(" and ")}.\n`,
    ])
    .join("\n");
}
