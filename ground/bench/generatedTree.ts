import type { Copy } from "./copy.ts";
import type { Bench } from "./figures.ts";
import { Project } from "./project.ts";
import { filesOf, settingsOf, shapeOf, writeFiles, writeStack } from "./tree.ts";

/** A stack of trivial images, in a copy of the project, with a registry of its own. */
export async function generatedTree(
  bench: Bench,
  copy: Copy,
  images: number,
  name: string,
): Promise<Project> {
  const { stack, address } = await copy.stack(name);
  const shape = shapeOf(images);
  writeFiles(copy.folder, filesOf(shape));
  writeStack(copy.folder, stack, {
    // One side must not find the layers of the other, nor either those of an earlier run.
    ...settingsOf(shape, stack),
    builder: bench.builder,
    registry: { image: bench.registryImage, address },
  });
  const project = new Project(bench, copy.folder, stack, address);
  await project.init();
  return project;
}
