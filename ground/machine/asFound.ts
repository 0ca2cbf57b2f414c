import { type BuilderSetting, builderName } from "../../components/builderSettings.ts";
import { checkBuilder, stopBuilder } from "./builder.ts";
import { checkDocker, stopDocker } from "./docker.ts";

/** Does work that may start the engine or the builder, and ends what it has started of the two. */
export async function leavingAsFound<T>(builder: BuilderSetting, work: () => Promise<T>): Promise<T> {
  const before = { docker: (await checkDocker()).ok, builder: (await checkBuilder(builder)).ok };
  try {
    return await work();
  } finally {
    if (!before.builder) await stopBuilder(builderName(builder));
    if (!before.docker) await stopDocker();
  }
}
