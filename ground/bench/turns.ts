import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { note } from "../tools/log.ts";
import { BakeSide } from "./bakeSide.ts";
import { type Bench, emptyRow, minimum, type Row } from "./figures.ts";
import type { Project } from "./project.ts";
import { writeStack } from "./tree.ts";

/** A catalog and the same by bake, in turns. */
export interface Sides {
  readonly bench: Bench;
  readonly catalog: Project;
  readonly bake: BakeSide;
  /** An application, and a file of it to which a line is added that changes the image. */
  readonly application: { readonly name: string; readonly file: string };
}

/** Of `pulumi`, what is timed. No-op runs fail if anything is to change: what they time is nothing else. */
export const UP = ["up", "--yes", "--skip-preview"];
export const NO_OP = [...UP, "--expect-no-changes"];
export const PREVIEW = ["preview", "--expect-no-changes"];

/** The same stack for bake: another namespace of the same registry. @param more settings that it has instead. */
export function bakeOf(
  bench: Bench,
  catalog: Project,
  builder: string,
  more: Record<string, unknown> = {},
): BakeSide {
  const stack = `${catalog.stack}-bake`;
  const { config } = parse(readFileSync(join(catalog.folder, `Pulumi.${catalog.stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  const settings = Object.entries(config).map(([key, value]) => [key.replace(/^catalog:/, ""), value]);
  const { registryPassword: _, ...own } = Object.fromEntries(settings);
  writeStack(catalog.folder, stack, { ...own, namespace: "bake", ...more });
  return new BakeSide(bench, catalog, stack, builder);
}

export const coldRow = () => emptyRow("everything, for the first time");

/** Everything for the first time, by each side. @param row what it is added to. */
export async function cold(
  { catalog, bake, application }: Sides,
  row: ReturnType<typeof coldRow>,
): Promise<void> {
  row.first.push(await said("the first `pulumi up`", catalog.timed(...UP)));
  await bake.write();
  row.second.push(await everything(bake, application.name, "the first `bake`"));
}

/** After many targets BuildKit is busy for longer than they took, and whoever comes next waits: not the catalog's time. */
async function everything(bake: BakeSide, application: string, what: string): Promise<number> {
  const seconds = await said(what, bake.timed());
  await bake.timed(application);
  return seconds;
}

/** What can be done again when all is built, each side in turn. */
export async function inTurns({
  bench,
  catalog,
  bake,
  application,
}: Sides): Promise<{ rows: Row[]; remark: string }> {
  const line = emptyRow("`up` after a line of an application; `bake` of it alone");
  const again = emptyRow("`up`, nothing changed; `bake` again");
  const preview = emptyRow("preview, nothing changed; `bake` again");
  for (let i = 0; i < bench.repeat; i++) {
    appendFileSync(join(catalog.folder, application.file), `# ${i}\n`);
    line.first.push(await said("`up` after a line of an application", catalog.timed(...UP)));
    await bake.write();
    line.second.push(await said("`bake` of it alone", bake.timed(application.name)));
    again.first.push(await said("`up`, nothing changed", catalog.timed(...NO_OP)));
    preview.first.push(await said("preview, nothing changed", catalog.timed(...PREVIEW)));
    const seconds = await everything(bake, application.name, "`bake` again");
    again.second.push(seconds);
    preview.second.push(seconds);
  }
  const more = minimum(line.first) - minimum(again.first);
  const remark =
    `A line of an application costs an \`up\` ${more.toFixed(1)} s more than one that changes nothing, ` +
    `${(more / minimum(line.second)).toFixed(2)} times \`bake\` of it alone.`;
  return { rows: [line, again, preview], remark };
}

/** Says how long something has taken. */
export async function said(what: string, timed: Promise<number>): Promise<number> {
  const seconds = await timed;
  note("bench", `${what}: ${seconds.toFixed(1)} s`);
  return seconds;
}
