import { type Found, findPulumi } from "../machine/pulumi.ts";
import type { Options } from "../options.ts";
import { causeOf } from "../program/cause.ts";
import { describeChanges } from "../program/changes.ts";
import { withEvents } from "../program/events.ts";
import { withProviders } from "../program/login.ts";
import { promotionsOf } from "../program/promotions.ts";
import { readStack } from "../program/stack.ts";
import { ensureStack, ensureState, type State } from "../program/state.ts";
import { prepareSources } from "../sources/sources.ts";
import { run } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";

/** `npm run preview`: `pulumi preview`, and what it comes to in one sentence. Builds nothing. */
export async function preview(options: Options): Promise<number> {
  const pulumi = await findPulumi();
  if (!pulumi.found) throw new GroundError(pulumi.why);
  const state = ensureState();
  const stack = readStack(options.stack ?? (await selected(pulumi, state)));
  await prepareSources(stack.config);
  await ensureStack(pulumi, state, stack);

  const { code, events } = await withProviders(stack, state, (state) =>
    withEvents(pulumi, state, stack, ["preview"]),
  );
  if (code !== 0) throw new GroundError(causeOf("preview", events));
  const moves = (promotionsOf(events)?.moves ?? []).map(
    ({ name, from = "new", to }) => `  ${name}  ${from} → ${to}\n`,
  );
  process.stdout.write(`\n${moves.join("")}${describeChanges(events)}.\n`);
  return 0;
}

/** The stack that the last `up`, or `pulumi stack select`, has left selected. */
export async function selected({ command }: Found, { env }: State): Promise<string> {
  const { code, stdout } = await run(command, ["stack", "--show-name", "--non-interactive"], { env });
  if (code !== 0)
    throw new GroundError("No stack is selected: give one with --stack, or run `npm run up` first.");
  return stdout.trim();
}
