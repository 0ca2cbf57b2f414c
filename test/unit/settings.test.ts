import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("a stack file is read as Pulumi rewrites it, with a text for each number and truth", (t) => {
  const [checkout, folder] = [process.cwd(), mkdtempSync(join(tmpdir(), "image-catalog-test-"))];
  t.after(() => {
    process.chdir(checkout);
    rmSync(folder, { recursive: true });
  });
  for (const name of ["Pulumi.yaml", "images"]) symlinkSync(join(checkout, name), join(folder, name));
  process.chdir(folder);
  writeFileSync("Pulumi.a.yaml", 'config:\n  catalog:parallel: "7"\n  catalog:protect: "true"\n');
  const { parallel, protect } = readStack("a").config;
  assert.deepEqual({ parallel, protect }, { parallel: 7, protect: true });
  writeFileSync("Pulumi.a.yaml", 'config:\n  catalog:parallel: "seven"\n  catalog:namespace: "7"\n');
  assert.throws(() => readStack("a"), /is not valid:\n {2}- parallel: found "seven"; [^\n]*$/);
});
