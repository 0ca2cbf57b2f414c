import { emptyBuilder } from "../machine/emptyBuilder.ts";
import type { Bench } from "./figures.ts";

/** Does work by a builder that has built nothing: how full the machine's own is would be measured as well. */
export async function onEmptyBuilder<T>(bench: Bench, work: (bench: Bench) => Promise<T>): Promise<T> {
  const name = `bench-builder-${process.pid}`;
  const builder = await emptyBuilder(name, bench.running);
  try {
    return await work({ ...bench, builder: name, running: { ...bench.running, name } });
  } finally {
    await builder.stop();
  }
}
