import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteBuilder } from "../../components/builderSettings.ts";
import { noEmptyBuildkit } from "../../ground/machine/emptyBuilder.ts";
import { checkRemote } from "../../ground/machine/remoteBuilder.ts";

export { startBuilder, startBuildkit } from "../../ground/machine/emptyBuilder.ts";

/** Why there can be no builder of a test's own; false where there can. */
export const noOwnBuilder: string | false = noEmptyBuildkit();

/** Waits for a buildkitd over TCP: a started one does not listen yet. */
export async function untilAnswers(builder: RemoteBuilder): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answers = await checkRemote(builder).then(
      () => true,
      () => false,
    );
    if (answers) return;
    await sleep(100);
  }
}
