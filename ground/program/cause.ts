import { diagnose } from "../tools/diagnose.ts";
import { type EngineEvent, errorsOf } from "./events.ts";
import { brokenPolicies } from "./policies.ts";

/** Why a `pulumi` has failed, as far as its engine's events say it. */
export function causeOf(command: "preview" | "refresh" | "up", events: readonly EngineEvent[]): string {
  const cause = brokenPolicies(events) ?? diagnose(errorsOf(events));
  return cause ?? `\`pulumi ${command}\` failed; its own message is above.`;
}
