import { chooseStack } from "../commands/prepare.ts";
import { prepareSources } from "../sources/sources.ts";
import type { Copy } from "./copy.ts";
import type { Bench } from "./figures.ts";
import { Project } from "./project.ts";
import { writeStack } from "./tree.ts";

/** The stack that this machine can build, in a copy, without its services: their ports may be in use. */
export async function realChain(
  bench: Bench,
  copy: Copy,
  more: Record<string, unknown> = {},
  name = "chain",
): Promise<Project> {
  const { values, config } = await chooseStack();
  await prepareSources(config, copy.folder);
  const { stack, address } = await copy.stack(name);
  const registry = { image: bench.registryImage, address };
  const applications = config.applications.map(({ publish: _, ...application }) => application);
  writeStack(copy.folder, stack, { ...values, applications, registry, ...more });
  const project = new Project(bench, copy.folder, stack, address);
  await project.init();
  return project;
}
