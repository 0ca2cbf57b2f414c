import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Found } from "../machine/pulumi.ts";
import { inherit } from "../tools/exec.ts";
import type { Stack } from "./stack.ts";
import type { State } from "./state.ts";

/** One event of the engine, as far as anybody here reads it. */
export interface EngineEvent {
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string; readonly urn?: string };
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

/** Runs a `pulumi` for a stack on this terminal, and answers what its engine has reported. */
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
    const code = await inherit(command, [...args, ...options], {
      env: { ...env, PULUMI_DEBUG_COMMANDS: "true" },
    });
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
