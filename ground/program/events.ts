import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Found } from "../machine/pulumi.ts";
import { inherit } from "../tools/exec.ts";
import { INTERRUPTED, interruptible } from "../tools/interruptible.ts";
import { GroundError } from "../tools/log.ts";
import { policyDefaults } from "./policies.ts";
import type { Stack } from "./stack.ts";
import type { State } from "./state.ts";

/** One event of the engine, as far as anybody here reads it. */
export interface EngineEvent {
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string; readonly urn?: string };
  readonly policyEvent?: {
    readonly policyName: string;
    readonly resourceUrn?: string;
    readonly message: string;
    readonly enforcementLevel: string;
  };
  readonly resourcePreEvent?: { readonly metadata: Step };
  readonly resOutputsEvent?: { readonly metadata: Step };
  readonly resOpFailedEvent?: { readonly metadata: Step };
}

/** One step that the engine plans. */
export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old?: { readonly inputs?: Record<string, unknown> } | null;
  readonly new?: {
    readonly inputs?: Record<string, unknown>;
    readonly outputs?: Record<string, unknown>;
  } | null;
}

/** The exit code of what was killed, by a person or for want of memory: 128 + SIGKILL. */
const KILLED = 137;

/**
 * Runs a `pulumi` for a stack on this terminal, and answers what its engine has reported.
 * @throws GroundError if it is interrupted, or killed.
 */
export async function withEvents(
  { command }: Found,
  { env }: State,
  { name, config }: Stack,
  args: readonly string[],
): Promise<{ code: number; events: EngineEvent[] }> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-"));
  const file = join(folder, "events");
  const options = ["--stack", name, "--suppress-outputs", "--event-log", file];
  if (config.parallel > 0) options.push("--parallel", `${config.parallel}`);
  try {
    const { code, interrupted } = await interruptible(async (signal) => ({
      code: await inherit(command, [...args, ...options], {
        env: { ...env, ...policyDefaults(), PULUMI_DEBUG_COMMANDS: "true" },
      }),
      interrupted: signal.aborted,
    }));
    if (interrupted && code !== 0) throw new GroundError(INTERRUPTED);
    if (code === KILLED)
      throw new GroundError(`\`pulumi ${args[0]}\` was killed. The same command goes on from here.`);
    return { code, events: existsSync(file) ? readEvents(file) : [] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The events of a file that `--event-log` has written. */
export function readEvents(file: string): EngineEvent[] {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as EngineEvent);
}

/** The engine's error messages. */
export function errorsOf(events: readonly EngineEvent[]): string {
  return events
    .flatMap(({ diagnosticEvent: event }) => (event?.severity.includes("err") ? event.message : []))
    .join("\n");
}
