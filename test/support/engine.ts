import assert from "node:assert/strict";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { findPulumi } from "../../ground/machine/pulumi.ts";
import type { Workspace } from "./workspace.ts";

const pulumi = await findPulumi();

/** Why tests with the real engine are skipped; false where there is one. */
export const noEngine: string | false = pulumi.found ? false : `no Pulumi: ${pulumi.why}`;

/** The stack of a workspace, which `npm run up` has made, in the hands of the Automation API. */
export async function select({ folder, stack, env }: Workspace): Promise<Stack> {
  assert.ok(pulumi.found);
  const root = join(pulumi.command, "../..");
  const pulumiCommand = await PulumiCommand.get({ root }).catch(() => PulumiCommand.get());
  const envVars = { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return await LocalWorkspace.selectStack({ stackName: stack, workDir: folder }, { envVars, pulumiCommand });
}

/** The resources that a preview lists, by their names; what it says goes to `said`, its severity first. */
export async function previewed(stack: Stack, said: string[] = []): Promise<string[]> {
  const touched = new Set<string>();
  await stack.preview({
    onEvent: ({ resourcePreEvent: event, diagnosticEvent: diagnostic }) => {
      note(touched, event?.metadata);
      if (diagnostic) said.push(`${diagnostic.severity}: ${diagnostic.message}`);
    },
  });
  return [...touched].sort();
}

/** The resources that an update changes, by their names. */
export async function updated(stack: Stack): Promise<string[]> {
  const touched = new Set<string>();
  await stack.up({ onEvent: ({ resOutputsEvent: event }) => note(touched, event?.metadata) });
  return [...touched].sort();
}

/** Stack and components have no content of their own: what is in them is listed by itself. */
function note(touched: Set<string>, step?: { op: string; urn: string; type: string }): void {
  if (step && step.op !== "same" && !/^(pulumi:pulumi:Stack|catalog:)/.test(step.type)) {
    touched.add(step.urn.split("::").at(-1) as string);
  }
}
