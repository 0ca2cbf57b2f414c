import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { linkPackages } from "../program/copy.ts";
import { bareTree } from "./bareTree.ts";
import { type Copy, inCopy } from "./copy.ts";
import { type Bench, emptyRow, type Figure, type Row } from "./figures.ts";
import { generatedTree } from "./generatedTree.ts";
import { onEmptyBuilder } from "./onEmptyBuilder.ts";
import { Project, recordIn } from "./project.ts";
import { NO_OP, PREVIEW, said, UP } from "./turns.ts";

interface Task {
  readonly what: string;
  /** Of `pulumi`. */
  readonly args: readonly string[];
}

const FIRST: Task = { what: "first `pulumi up`", args: UP };
const AGAIN: Task[] = [
  { what: "`pulumi preview`, nothing changed", args: PREVIEW },
  { what: "`pulumi up`, nothing changed", args: NO_OP },
];

/** What the engine costs for a tree of trivial images, as the catalog and as the providers alone. */
export function againstBare(bench: Bench): Promise<Figure[]> {
  return onEmptyBuilder(bench, (bench) => inCopy((copy) => compare(bench, copy)));
}

async function compare(bench: Bench, copy: Copy): Promise<Figure[]> {
  const { images = 300 } = bench;
  const catalog = await generatedTree(bench, copy, images, "catalog");
  const other = await generatedTree(bench, copy, images, "bare");
  const bare = await bareProject(bench, other, join(copy.root, "bare"));
  return [
    {
      title: `${images} images, the catalog and the bare providers`,
      method:
        "A tree of trivial images, generated from configuration, by the catalog's program and by one that registers the " +
        "same inputs with `@pulumi/docker-build` and `@pulumi/docker` alone: same parents by digest, same contexts and " +
        "tags, no components. Each has its own registry and file state, and both one builder that has built nothing before. After one first `up` each, the two take turns. " +
        "The catalog registers two resources an image, and saves elsewhere (`components/plainStacks.ts`).",
      sides: ["catalog", "bare"],
      unit: "s",
      rows: await measure(bench, { catalog, bare }),
    },
  ];
}

/** The bare program, with what the catalog of the same settings registers and the contexts that it builds from. */
async function bareProject(bench: Bench, catalog: Project, folder: string): Promise<Project> {
  cpSync(join(import.meta.dirname, "bare"), folder, { recursive: true });
  linkPackages(folder);
  const tree = bareTree(await recordIn(catalog.folder, catalog.stack));
  writeFileSync(join(folder, "tree.json"), JSON.stringify(tree), { mode: 0o600 });
  cpSync(join(catalog.folder, ".catalog"), join(folder, ".catalog"), { recursive: true });
  const bare = new Project(bench, folder, catalog.stack);
  await bare.init();
  return bare;
}

async function measure(bench: Bench, sides: { catalog: Project; bare: Project }): Promise<Row[]> {
  const time = ({ what, args }: Task, side: "catalog" | "bare") =>
    said(`${what}, ${side}`, sides[side].timed(...args));
  const turns = async (task: Task, times: number): Promise<Row> => {
    const row = emptyRow(task.what);
    for (let i = 0; i < times; i++) {
      row.first.push(await time(task, "catalog"));
      row.second.push(await time(task, "bare"));
    }
    return row;
  };
  const rows = [await turns(FIRST, 1)];
  for (const task of AGAIN) rows.push(await turns(task, bench.repeat));
  return rows;
}
