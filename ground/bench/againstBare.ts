import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { copyProject, linkPackages } from "../program/copy.ts";
import { removeLeftovers } from "../program/leftovers.ts";
import { record } from "../program/record.ts";
import { readStack } from "../program/stack.ts";
import { note } from "../tools/log.ts";
import { freePort } from "../tools/ports.ts";
import { bareTree } from "./bareTree.ts";
import type { Bench, Figure, Row } from "./figures.ts";
import { Project } from "./project.ts";
import { filesOf, settingsOf, shapeOf, writeFiles } from "./tree.ts";

interface Task {
  readonly what: string;
  /** Of `pulumi`. */
  readonly args: readonly string[];
}

/** What is timed, and how. No-op runs fail if anything is to change: what they time is nothing else. */
const FIRST: Task = { what: "first `pulumi up`", args: ["up", "--yes", "--skip-preview"] };
const AGAIN: Task[] = [
  { what: "`pulumi preview`, nothing changed", args: ["preview", "--expect-no-changes"] },
  {
    what: "`pulumi up`, nothing changed",
    args: ["up", "--yes", "--skip-preview", "--expect-no-changes"],
  },
];

/** What the engine costs for a tree of trivial images, as the catalog and as the providers alone. */
export async function againstBare(bench: Bench): Promise<Figure> {
  const id = randomBytes(3).toString("hex");
  const sides = {
    catalog: { stack: `bench-catalog-${id}`, port: await freePort() },
    bare: { stack: `bench-bare-${id}`, port: await freePort() },
  };
  const root = mkdtempSync(join(tmpdir(), "image-catalog-bench-"));
  try {
    const folder = join(root, "catalog");
    await makeCopy(bench, folder, Object.values(sides));
    const catalog = new Project(bench, folder, sides.catalog.stack);
    const password = newPassword();
    await catalog.pulumi(["stack", "init"]);
    await catalog.pulumi(["config", "set", "--secret", "registryPassword"], password);
    const bare = await makeBare(bench, root, folder, sides.bare.stack);
    return {
      title: `${bench.images} images, the catalog and the bare providers`,
      method:
        "A tree of trivial images, generated from configuration, by the catalog's program and by one that registers the " +
        "same inputs with `@pulumi/docker-build` and `@pulumi/docker` alone: same parents by digest, same contexts and " +
        "tags, no components. Each has its own registry and file state. After one first `up` each, the two take turns. " +
        "The catalog registers two resources an image, and saves elsewhere (`components/plainStacks.ts`).",
      rows: await measure(bench, { catalog, bare }),
    };
  } finally {
    note("bench", "removing the registries, what is in them, and the two projects");
    for (const { stack, port } of Object.values(sides))
      await removeLeftovers(stack, `localhost:${port}/catalog`);
    rmSync(root, { recursive: true, force: true });
  }
}

/** A copy of the project with the generated tree, and a stack file for each side. */
async function makeCopy(
  bench: Bench,
  folder: string,
  sides: readonly { stack: string; port: number }[],
): Promise<void> {
  mkdirSync(folder);
  await copyProject(folder);
  const shape = shapeOf(bench.images);
  writeFiles(folder, filesOf(shape));
  for (const { stack, port } of sides) {
    const settings = {
      // The second `up` must not find the layers of the first, nor either those of an earlier run.
      ...settingsOf(shape, stack),
      builder: bench.builder,
      registry: { image: bench.registryImage, address: `localhost:${port}` },
    };
    const config = Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`catalog:${name}`, value]),
    );
    writeFiles(folder, { [`Pulumi.${stack}.yaml`]: stringify({ config }) });
  }
}

/** The bare program, with what the catalog of the same settings registers and the contexts that it builds from. */
async function makeBare(bench: Bench, root: string, copy: string, stack: string): Promise<Project> {
  const folder = join(root, "bare");
  cpSync(join(import.meta.dirname, "bare"), folder, { recursive: true });
  linkPackages(folder);
  const tree = bareTree(await recordIn(copy, stack));
  writeFileSync(join(folder, "tree.json"), JSON.stringify(tree), { mode: 0o600 });
  cpSync(join(copy, ".catalog"), join(folder, ".catalog"), { recursive: true });
  const bare = new Project(bench, folder, stack);
  await bare.pulumi(["stack", "init"]);
  return bare;
}

/** The program reads and stages files where it runs. */
async function recordIn(folder: string, stack: string) {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await record(readStack(stack), newPassword());
  } finally {
    process.chdir(before);
  }
}

async function measure(bench: Bench, sides: { catalog: Project; bare: Project }): Promise<Row[]> {
  const time = async ({ what, args }: Task, side: "catalog" | "bare") => {
    const seconds = await sides[side].timed(...args);
    note("bench", `${what}, ${side}: ${seconds.toFixed(1)} s`);
    return seconds;
  };
  const turns = async (task: Task, times: number): Promise<Row> => {
    const row = { what: task.what, catalog: [] as number[], bare: [] as number[] };
    for (let i = 0; i < times; i++) {
      row.catalog.push(await time(task, "catalog"));
      row.bare.push(await time(task, "bare"));
    }
    return row;
  };
  const rows = [await turns(FIRST, 1)];
  for (const task of AGAIN) rows.push(await turns(task, bench.repeat));
  return rows;
}

const newPassword = () => randomBytes(12).toString("hex");
