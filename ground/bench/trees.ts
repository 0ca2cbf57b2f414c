import { cpSync } from "node:fs";
import { join } from "node:path";
import { linkPackages } from "../program/copy.ts";
import { GroundError } from "../tools/log.ts";
import { inCopy } from "./copy.ts";
import { type Bench, emptyRow, type Figure, minimum, type Row } from "./figures.ts";
import { generatedTree } from "./generatedTree.ts";
import { onEmptyBuilder } from "./onEmptyBuilder.ts";
import { Project } from "./project.ts";
import { settingsOf, shapeOf } from "./tree.ts";
import { bakeOf, cold, coldRow, inTurns, NO_OP, PREVIEW, type Sides, said, UP } from "./turns.ts";

const SIZES = [15, 60, 300];
/** `bake` takes a minute for 60 images, and more than twice as long for twice as many. */
const MOST_BAKED = 60;

/** Trees of trivial images: what the engine, its state and its previews cost beside `docker buildx bake`. */
export async function trees(bench: Bench): Promise<Figure[]> {
  const sizes = bench.images === undefined ? SIZES : [bench.images];
  const without = sizes.find((images) => shapeOf(images).applications === 0);
  if (without) throw new GroundError(`A tree of ${without} images has no application; take another number.`);
  const bakes: Awaited<ReturnType<typeof besideBake>>[] = [];
  const noOps: Row[] = [];
  const previews: Row[] = [];
  const cached: string[] = [];
  for (const images of sizes) {
    const { beside, noOp, preview, cachedEmpty } = await onEmptyBuilder(bench, (bench) =>
      measure(bench, images),
    );
    const named = (row: Row): Row => ({ ...row, what: `${images} images: ${row.what}` });
    if (beside) bakes.push({ rows: beside.rows.map(named), remark: `${images} images: ${beside.remark}` });
    noOps.push(named(noOp));
    previews.push(named(preview));
    const times = (minimum(noOp.first) / minimum(cachedEmpty)).toFixed(2);
    cached.push(
      `${images} images: with the catalog's cache, the empty program takes ${minimum(cachedEmpty).toFixed(1)} s, and an ` +
        `\`up\` that changes nothing ${times} times that.`,
    );
  }
  const figures: Figure[] = [
    {
      title: "Trees of trivial images, the catalog and `docker buildx bake`",
      method:
        "The same Dockerfiles, contexts and arguments, pushed to the same registry, by the catalog and by one call of `bake` with " +
        "the file that `npm run bake` writes. They take turns on one builder that has built nothing before, and share no layer. `bake` has no state: it " +
        `builds and pushes all that it is given, every time, and has nothing to compare a preview with. Up to ${MOST_BAKED} images: it ` +
        "takes more than twice as long for twice as many.",
      sides: ["catalog", "bake"],
      unit: "s",
      rows: bakes.flatMap(({ rows }) => rows),
      remarks: bakes.map(({ remark }) => remark),
    },
    {
      title: "Trees of trivial images, and an empty program",
      method:
        "What the engine costs by itself is the preview of a program that registers nothing, run by Node with nothing else. The " +
        "catalog's commands have Node keep what it has compiled, which a project has to turn on, so the empty program is " +
        "measured with that as well.",
      sides: ["catalog", "empty preview"],
      unit: "s",
      rows: [...noOps, ...previews],
      remarks: [...cached, ...perImage(sizes, noOps)],
    },
  ];
  return figures.filter(({ rows }) => rows.length > 0);
}

/** A tree of one size beside bake, and beside an empty program. */
function measure(bench: Bench, images: number) {
  return inCopy(async (copy) => {
    const catalog = await generatedTree(bench, copy, images, "catalog");
    // On the same builder, the two must share no layer.
    const { systems } = settingsOf(shapeOf(images), `${catalog.stack}-bake`);
    const bake = bakeOf(bench, catalog, bench.running.name, { systems });
    try {
      const application = { name: "application-1", file: "images/application-1/Dockerfile" };
      const sides = { bench, catalog, bake, application };
      const beside = images <= MOST_BAKED ? await besideBake(sides) : undefined;
      if (!beside) await said("the first `pulumi up`", catalog.timed(...UP));
      const empty = await emptyProgram(bench, join(copy.root, "empty"), { NODE_DISABLE_COMPILE_CACHE: "1" });
      const emptyWithCache = await emptyProgram(bench, join(copy.root, "empty-with-cache"));
      const cachedEmpty: number[] = [];
      const noOp = emptyRow("`up`, nothing changed");
      const preview = emptyRow("preview, nothing changed");
      for (let i = 0; i < bench.repeat; i++) {
        const floor = await said("preview of an empty program", empty.timed("preview"));
        cachedEmpty.push(await said("the same with the cache", emptyWithCache.timed("preview")));
        noOp.first.push(await said(noOp.what, catalog.timed(...NO_OP)));
        preview.first.push(await said(preview.what, catalog.timed(...PREVIEW)));
        for (const row of [noOp, preview]) row.second.push(floor);
      }
      return { beside, noOp, preview, cachedEmpty };
    } finally {
      bake.remove();
    }
  });
}

async function besideBake(sides: Sides) {
  const first = coldRow();
  await cold(sides, first);
  const { rows, remark } = await inTurns(sides);
  return { rows: [first, ...rows], remark };
}

/** What one more image costs, between the two largest trees. */
function perImage(sizes: readonly number[], noOps: readonly Row[]): string[] {
  const [fewer, more] = sizes.slice(-2);
  const [before, after] = noOps.slice(-2);
  if (!fewer || !more || !before || !after) return [];
  const milliseconds = (1000 * (minimum(after.first) - minimum(before.first))) / (more - fewer);
  return [
    `From ${fewer} to ${more} images, each one more costs an \`up\` that changes nothing ${milliseconds.toFixed(0)} ms.`,
  ];
}

/** A program that registers nothing. */
async function emptyProgram(
  bench: Bench,
  folder: string,
  env: Record<string, string> = {},
): Promise<Project> {
  cpSync(join(import.meta.dirname, "empty"), folder, { recursive: true });
  linkPackages(folder);
  const project = new Project(bench, folder, "empty", "", env);
  await project.init();
  return project;
}
