import { z } from "zod";
import { problemsOf } from "../components/problems.ts";
import { policies } from "./policies.ts";

const levels = ["mandatory", "advisory", "disabled"] as const;
export type Level = (typeof levels)[number];

/** What `config.json` says of a policy. */
export interface PolicySetting {
  readonly enforcementLevel?: Level | undefined;
  /** In the place of what the stack's configuration allows. */
  readonly allow?: readonly string[] | undefined;
}

/** What holds for a policy, by its name. */
export type SettingOf = (policy: string) => PolicySetting;

const level = z.enum(levels, `one of ${levels.join(", ")} is needed`);
const setting = z.strictObject({ enforcementLevel: level.optional() });
const listing = setting.extend({
  allow: z.array(z.string("a text is needed"), "a list is needed").optional(),
});
const schema = z.strictObject({
  all: level.optional(),
  ...Object.fromEntries(
    policies.map(({ name, allow }) => [name, z.union([level, allow ? listing : setting]).optional()]),
  ),
});

/**
 * Reads the text of a `config.json`, whose form is Pulumi's.
 * @returns what it says of a policy, by name; or what is wrong with it.
 */
export function parseConfig(text: string): { of?: SettingOf; problems: string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problems: [`it is not JSON: ${(error as Error).message}`] };
  }
  const { data, error } = schema.safeParse(value);
  if (error) return { problems: problemsOf({ type: schema, value, path: [] }, error.issues) };
  const settings: Record<string, Level | PolicySetting | undefined> = data;
  const of = (policy: string) => {
    const own = settings[policy];
    return { enforcementLevel: data.all, ...(typeof own === "string" ? { enforcementLevel: own } : own) };
  };
  return { of, problems: [] };
}
