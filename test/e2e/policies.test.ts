import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { noEngine as skip } from "../support/engine.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import type { Workspace } from "../support/workspace.ts";

const CONFIG = "policy/config.json";
const CONTAINER = "components/containerService.ts";
const images = 6;

let workspace: Workspace;

before(async () => {
  if (skip) return;
  await ensureDocker();
  workspace = await makeStandIns({ pythons: [python("3.13.5")] });
  workspace.askPolicies();
});
after(() => workspace?.remove());

type Command = "up" | "preview" | "bake";

const run = (command: Command, env: Record<string, string> = {}) =>
  workspace.npm([command, "--stack", workspace.stack], env);

/** The last words on standard error, of a run that has failed. */
async function refused(command: Command): Promise<string[]> {
  const { code, stdout, stderr } = await run(command);
  assert.equal(code, 1, `${stdout}\n${stderr}`);
  assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+\)/m);
  const lines = stderr.trim().split("\n");
  return lines.slice(lines.findLastIndex((line) => line.startsWith("✗")));
}

const writable =
  "  - flask-helloworld-service-container: it can write to its root file system; set `readOnly: true`, and `tmpfs` " +
  "for what must be written (container-read-only).";
const hint = "What may be allowed is said in policy/config.json: docs/policies.md.";

test("the engine asks the policies at preview, and what it does not know yet breaks none", {
  skip,
}, async () => {
  const { code, stdout, stderr } = await run("preview");
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /✅ catalog@v\d/);
  assert.doesNotMatch(stdout, /\[(mandatory|advisory)\]|can't run policy/);
  assert.match(stdout, /^builds 6 new images\.$/m);
});

test("a broken policy ends `up` and `bake` before anything is built, and a preview in the same words", {
  skip,
}, async (t) => {
  workspace.edit(CONTAINER, "readOnly: true", "readOnly: false");
  t.after(() => workspace.edit(CONTAINER, "readOnly: false", "readOnly: true"));
  const said = ["✗ The program breaks policies:", writable];
  for (const command of ["up", "bake"] as const)
    assert.deepEqual(await refused(command), [...said, `${hint} Nothing was built.`]);
  assert.ok(!existsSync(join(workspace.folder, "docker-bake.json")));
  assert.deepEqual(await workspace.leftovers(), []);
  assert.deepEqual(await refused("preview"), [...said, hint]);
});

test("a policy can be turned off, one in the configuration and all in the environment", {
  skip,
}, async (t) => {
  workspace.edit(CONTAINER, "readOnly: true", "readOnly: false");
  const config = workspace.read(CONFIG);
  t.after(() => {
    workspace.edit(CONTAINER, "readOnly: false", "readOnly: true");
    workspace.write(CONFIG, config);
  });
  const without = await run("preview", { PULUMI_OPTION_POLICY_PACK: "" });
  assert.equal(without.code, 0, `${without.stdout}\n${without.stderr}`);
  assert.doesNotMatch(without.stdout, /catalog@v\d/);

  workspace.write(CONFIG, JSON.stringify({ "container-read-only": "advisory" }));
  const { code, stdout, stderr } = await run("preview");
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /\[advisory\]\s+container-read-only/);
});

test("registries that are not allowed are refused by the engine, image by image", { skip }, async (t) => {
  const config = workspace.read(CONFIG);
  t.after(() => workspace.write(CONFIG, config));
  workspace.write(CONFIG, JSON.stringify({ "allowed-registries": { allow: ["registry.example.com"] } }));
  const [, ...violations] = (await refused("preview")).slice(0, -1);
  // An operating system has one tag, all others two.
  assert.equal(violations.length, images * 2 - 1);
  for (const violation of violations) {
    assert.match(
      violation,
      /^ {2}- [\w.-]+-image: it is pushed to localhost:\d+\/catalog\/\S+, and allowed is registry\.example\.com; .* \(allowed-registries\)\.$/,
    );
  }
});

test("a configuration of policies that is not valid", { skip }, async (t) => {
  const config = workspace.read(CONFIG);
  t.after(() => workspace.write(CONFIG, config));
  workspace.write(CONFIG, JSON.stringify({ "container-readonly": "disabled" }));
  for (const command of ["up", "preview"] as const) {
    const [first, second] = await refused(command);
    assert.equal(first, `✗ ${CONFIG} is not valid:`);
    assert.match(
      second as string,
      /^ {2}- unknown key container-readonly; did you mean container-read-only\?/,
    );
  }
  assert.deepEqual(await workspace.leftovers(), []);
});
