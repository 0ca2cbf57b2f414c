import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { RunError } from "@pulumi/pulumi";
import { parseConfig, type SettingOf } from "../../policy/config.ts";
import { policies } from "../../policy/policies.ts";
import { allowedBy, concerns } from "../../policy/policy.ts";
import { GroundError, note, say, warn } from "../tools/log.ts";
import type { EngineEvent } from "./events.ts";
import { type Recording, record } from "./record.ts";
import type { Stack } from "./stack.ts";

const PACK = "policy";
const CONFIG = "policy/config.json";
/** The policy packs that a `pulumi up` or `pulumi preview` asks; where it is set but empty, none. */
export const PACKS = "PULUMI_OPTION_POLICY_PACK";

interface Violation {
  readonly policy: string;
  readonly resource: string;
  /** What is wrong, and how to mend it. */
  readonly message: string;
}

/** What makes a `pulumi` ask the policy pack. */
export function policyEnvironment(): Record<string, string> {
  return { [PACKS]: resolve(PACK), [`${PACKS}_CONFIG`]: resolve(CONFIG) };
}

/**
 * The same, or nothing where the user's own environment says which packs are asked.
 * @throws GroundError if the policies' configuration is not valid.
 */
export function policyDefaults(): Record<string, string> {
  if (process.env[PACKS] !== undefined) return {};
  readConfig();
  return policyEnvironment();
}

/**
 * Asks the policies of all that the program would make, before anything is. Not of a stack that promotes: what it
 * makes is known only with the stack that it takes its images from, and then the engine asks.
 * @throws GroundError with all violations of mandatory policies.
 */
export async function checkProgram(stack: Stack, password: string): Promise<void> {
  if (stack.config.promote.from !== undefined || !asked()) return;
  try {
    checkRecording(stack, await record(stack, password));
  } catch (error) {
    // The program will say it itself.
    if (!RunError.isInstance(error)) throw error;
  }
}

/** @throws GroundError with all violations of mandatory policies, or if the policies' configuration is not valid. */
export function checkRecording({ config }: Stack, { resources }: Recording, settingOf = readConfig()): void {
  if (!asked()) return;
  const violations = violationsIn(config, resources, settingOf);
  for (const violation of violations.advisory) warn("policies", sentence(violation));
  if (violations.mandatory.length > 0)
    throw new GroundError(`${explain(violations.mandatory)} Nothing was built.`);
  say("policies", `${policies.length} asked, none broken`);
}

/** Whether policies are asked; says it where they are not. */
function asked(): boolean {
  if (process.env[PACKS] !== "") return true;
  note("policies", `not asked, as ${PACKS} is empty`);
  return false;
}

function violationsIn(
  { registry, applications }: Stack["config"],
  resources: Recording["resources"],
  settingOf: SettingOf,
) {
  const rules = {
    registries: [registry.address],
    addresses: applications.map(({ address }) => address),
  };
  const types = new Map(resources.map(({ name, type }) => [name, type]));
  const violations = {
    mandatory: [] as Violation[],
    advisory: [] as Violation[],
    disabled: [] as Violation[],
  };
  for (const { type, name, inputs: props, parent, retained } of resources) {
    const resource = { type, name, props, retained, component: types.get(parent ?? "") };
    for (const policy of policies.filter((each) => concerns(each, resource))) {
      const { enforcementLevel = "mandatory", allow } = settingOf(policy.name);
      const messages = policy.check(resource, allowedBy(policy, allow, rules));
      violations[enforcementLevel].push(
        ...messages.map((message) => ({ policy: policy.name, resource: name, message })),
      );
    }
  }
  return violations;
}

function readConfig(): SettingOf {
  const { of, problems } = parseConfig(readFileSync(CONFIG, "utf8"));
  if (of) return of;
  throw new GroundError(
    [`${CONFIG} is not valid:`, ...problems.map((problem) => `  - ${problem}`)].join("\n"),
  );
}

/** The violations that the engine has found, in words; undefined where it has found none. */
export function brokenPolicies(events: readonly EngineEvent[]): string | undefined {
  const violations = events.flatMap(({ policyEvent: event }) => {
    if (event?.enforcementLevel !== "mandatory") return [];
    const { policyName: policy, resourceUrn = "", message } = event;
    // The engine gives the policy's description a line of its own above it.
    const [text = ""] = message.trim().split("\n").slice(-1);
    return { policy, resource: resourceUrn.split("::").at(-1) as string, message: text };
  });
  return violations.length > 0 ? explain(violations) : undefined;
}

function explain(violations: readonly Violation[]): string {
  return [
    "The program breaks policies:",
    ...violations.map((violation) => `  - ${sentence(violation)}`),
    `What may be allowed is said in ${CONFIG}: docs/policies.md.`,
  ].join("\n");
}

const sentence = ({ policy, resource, message }: Violation) => `${resource}: ${message} (${policy}).`;
