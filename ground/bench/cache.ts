import { isDeepStrictEqual } from "node:util";
import { emptyBuilder } from "../machine/emptyBuilder.ts";
import { GroundError, note } from "../tools/log.ts";
import { inCopy } from "./copy.ts";
import type { Bench, Figure } from "./figures.ts";
import type { Project } from "./project.ts";
import { realChain } from "./realChain.ts";

/** What the build cache in the registry saves a builder that has built nothing, as a CI runner's: the real chain. */
export function cache(bench: Bench): Promise<Figure[]> {
  return inCopy(async (copy) => {
    const project = await realChain(bench, copy, { cache: "max" });
    const cold = await updateBy(`${project.stack}-1`, bench, project);
    const cached = await updateBy(`${project.stack}-2`, bench, project);
    if (!isDeepStrictEqual(cached.images, cold.images)) {
      throw new GroundError("The images of the cold build and those out of the cache are not the same.");
    }
    return [
      {
        title: "The real chain on an empty builder, with a build cache in the registry and without",
        method:
          `The images of ${Object.keys(cold.images).join(", ")}, with \`cache: max\`: once by a builder that has built ` +
          "nothing, which writes the cache, then by another such one, which finds it. Both give the same digests. The " +
          "registry is on this machine: over a network, what the cache holds has to be fetched.",
        sides: ["with a cache", "cold"],
        unit: "s",
        rows: [{ what: "first `pulumi up` of a builder", first: [cached.seconds], second: [cold.seconds] }],
      },
    ];
  });
}

/** An update by a builder that has built nothing: its seconds, and the digests of the images. */
async function updateBy(
  name: string,
  bench: Bench,
  project: Project,
): Promise<{ seconds: number; images: Record<string, string> }> {
  const builder = await emptyBuilder(name, bench.running);
  try {
    await project.pulumi(["config", "set", "builder", name]);
    const seconds = await project.timed("up", "--yes", "--skip-preview");
    note("bench", `the real chain, by the empty builder ${name}: ${seconds.toFixed(1)} s`);
    const images = Object.entries(await project.images());
    return { seconds, images: Object.fromEntries(images.map(([layer, { digest }]) => [layer, digest])) };
  } finally {
    await builder.stop();
  }
}
