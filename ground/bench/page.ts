import { cpus, totalmem } from "node:os";
import type { Builder } from "../machine/builder.ts";
import type { Engine } from "../machine/docker.ts";
import type { Found } from "../machine/pulumi.ts";
import { type Figure, table } from "./figures.ts";

/** The command line and what it has measured, when and on what. */
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

/** All of a report in Markdown: what is printed, and docs/benchmarks.md. */
export function page({ command, date, machine, load, figures }: Report): string {
  return [
    "# Benchmarks\n",
    `<!-- Made by \`${command} --write\`; run that again. -->\n`,
    `\`${command}\`, ${date.slice(0, 10)}. ${machine}.\n`,
    `The load average was ${load[0].toFixed(1)} before and ${load[1].toFixed(1)} after; above the number of cores, other work ` +
      "ran beside it, and only the ratios mean something.\n",
    ...figures.flatMap((figure) => [`## ${figure.title}\n`, `${figure.method}\n`, table(figure)]),
  ].join("\n");
}
