import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../components/settings.ts";
import { readStack, stackNames } from "../../ground/program/stack.ts";
import { wrongFrameworks } from "./wrong/frameworks.ts";
import { wrongPromotion } from "./wrong/promotion.ts";
import { wrongSettings } from "./wrong/settings.ts";
import { wrongSources } from "./wrong/sources.ts";

const { values } = readStack("dev");

for (const [what, change, ...answers] of [
  ...wrongSettings,
  ...wrongFrameworks,
  ...wrongPromotion,
  ...wrongSources,
]) {
  test(`wrong configuration: ${what}`, () => {
    const { config, problems } = parseConfig({ ...values, ...change });
    assert.equal(config, undefined);
    assert.ok(problems.length > 0);
    assert.deepEqual(problems, answers);
    assert.doesNotMatch(problems.join("\n"), /hunter2/);
  });
}

test("all problems are reported at once, those between settings too", () => {
  const { problems } = parseConfig({
    ...values,
    systems: [{ name: "debain", version: "13", base: { mmdebstrap: "trixie" } }],
    pyenvs: [],
    namespace: "",
    registry: { adress: "registry.example.com" },
    frameworks: [{ name: "flask", version: "9.9.9" }],
  });
  assert.deepEqual(problems.map((problem) => problem.split(":")[0]).sort(), [
    "frameworks[0].version",
    "namespace",
    "registry",
    "systems[0].name",
  ]);
});

test("every stack file of the project is valid", () => {
  for (const name of stackNames()) assert.ok(readStack(name).config, name);
});
