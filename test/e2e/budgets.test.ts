import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import type { Settings, Workspace } from "../support/workspace.ts";

let workspace: Workspace;
before(async () => {
  await ensureDocker();
  workspace = await makeStandIns({ pythons: [python("3.13.5")], applications: [] });
});
after(() => workspace?.remove());

async function bake(change: (config: Settings) => Settings) {
  workspace.configure((config) => ({ ...config, ...change(config) }));
  return await workspace.npm(["bake", "--build", "--stack", workspace.stack]);
}

test("what images add is shown, and more than the budget is an error with the largest files", async () => {
  const within = await bake(() => ({}));
  assert.equal(within.code, 0, `${within.stdout}\n${within.stderr}`);
  assert.match(within.stdout, /^debian +13 +[0-9a-f]{12} +(\d+\.\d MB) +\1 +45 MB$/m);
  assert.match(within.stdout, /^python +3\.13\.5-slim-debian13 +[0-9a-f]{12} +\d+\.\d MB +0\.0 MB +14 MB$/m);

  const over = await bake(() => ({ "catalog:budgets": { systems: 1 } }));
  assert.equal(over.code, 1, over.stdout);
  assert.match(over.stdout, /^debian +13 .* 1 MB$/m);
  assert.match(
    over.stderr,
    /^✗ These images are built and pushed, and over their budgets:\n {2}- debian-13 adds \d+\.\d MB, and budgets\.systems is 1 MB\. Its largest files, by layer:\n {6}\d+\.\d MB, \S.*\n {8} +\d\.\d MB {2}\/\S+$/m,
  );
  assert.match(over.stderr, /^Make them smaller, or give them a larger budget in the stack file\.$/m);
  assert.doesNotMatch(over.stderr, /python-3\.13/);

  const own = await bake(({ "catalog:systems": systems }) => ({
    "catalog:systems": (systems as object[]).map((system) => ({ ...system, budget: 50 })),
  }));
  assert.equal(own.code, 0, own.stderr);
});
