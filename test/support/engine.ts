import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { findPulumi } from "../../ground/machine/pulumi.ts";
import { type EngineEvent, readEvents, type Step } from "../../ground/program/events.ts";
import { run } from "../../ground/tools/exec.ts";
import type { Workspace } from "./workspace.ts";

const pulumi = await findPulumi();

/** Why tests with the real engine are skipped; false where there is one. */
export const noEngine: string | false = pulumi.found ? false : `no Pulumi: ${pulumi.why}`;

type Place = Pick<Workspace, "folder" | "stack" | "env">;

/** A stack of a workspace in the hands of the Automation API. */
export async function select(place: Place): Promise<Stack> {
  return await LocalWorkspace.createOrSelectStack(...(await program(place)));
}

/** Makes a stack of a workspace that has a file, with the password of its registry. */
export async function create(place: Place, password: string): Promise<Stack> {
  const stack = await LocalWorkspace.createStack(...(await program(place)));
  await stack.setConfig("registryPassword", { value: password, secret: true });
  return stack;
}

async function program({ folder, stack, env }: Place) {
  assert.ok(pulumi.found);
  const root = join(pulumi.command, "../..");
  const pulumiCommand = await PulumiCommand.get({ root }).catch(() => PulumiCommand.get());
  const envVars = { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return [
    { stackName: stack, workDir: folder },
    { envVars, pulumiCommand },
  ] as const;
}

/** The resources that a preview lists, by their names; what it says goes to `said`, its severity first. */
export async function previewed(stack: Stack, said: string[] = []): Promise<string[]> {
  const events = await eventsOf(stack, ["preview"]);
  for (const { diagnosticEvent: event } of events)
    if (event) said.push(`${event.severity}: ${event.message}`);
  return touched(events.map(({ resourcePreEvent: event }) => event?.metadata));
}

/** The resources that an update changes, by their names. */
export async function updated(stack: Stack): Promise<string[]> {
  const events = await eventsOf(stack, ["up", "--yes", "--skip-preview"]);
  return touched(events.map(({ resOutputsEvent: event }) => event?.metadata));
}

/** Not by the Automation API, which asks for outputs and history after each run: three more times the CLI. */
async function eventsOf({ name, workspace }: Stack, args: readonly string[]): Promise<EngineEvent[]> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-events-"));
  const file = join(folder, "events");
  const { pulumiCommand, workDir, envVars } = workspace as LocalWorkspace;
  try {
    const options = ["--stack", name, "--non-interactive", "--event-log", file];
    const { code, stdout, stderr } = await run(pulumiCommand.command, [...args, ...options], {
      cwd: workDir,
      env: { ...envVars, PULUMI_DEBUG_COMMANDS: "true" },
    });
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    return readEvents(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Stack and components have no content of their own: what is in them is listed by itself. */
function touched(steps: readonly (Step | undefined)[]): string[] {
  const names = steps.flatMap((step) =>
    step && step.op !== "same" && !/^(pulumi:pulumi:Stack|catalog:)/.test(step.type)
      ? (step.urn.split("::").at(-1) as string)
      : [],
  );
  return [...new Set(names)].sort();
}
