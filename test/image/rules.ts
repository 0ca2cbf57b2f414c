import type { TestContext } from "node:test";
import { frameworks } from "./rules/frameworks.ts";
import { general } from "./rules/general.ts";
import { javas } from "./rules/java.ts";
import { pythons } from "./rules/python.ts";
import { type Rule, release, type Subject } from "./rules/rule.ts";
import { services } from "./rules/services.ts";

const rules: readonly Rule[] = [...general, ...pythons, ...frameworks, ...javas, ...services];

/** The rules that apply to an image: those of its whole line of descent. */
export const rulesFor = ({ line }: Subject): Rule[] =>
  rules.filter(({ of }) => of === "*" || line.includes(of));

/** Asks an image for all that it must be. */
export async function checkRules(t: TestContext, subject: Subject): Promise<void> {
  for (const { what, check } of rulesFor(subject)) await t.test(what, () => check(subject));
  await release(subject);
}
