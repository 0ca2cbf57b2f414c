import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { ask, digestOf } from "../../ground/tools/registry.ts";
import { subjectsOf, testImages } from "../support/subjects.ts";
import { loginOf, Workspace } from "../support/workspace.ts";

let workspace: Workspace;

before(async () => {
  await ensureDocker();
  workspace = await Workspace.make((await chooseStack()).name);
});
after(() => workspace?.remove());

test("the chain is built, pushed, run and tested without Pulumi", async (t) => {
  await t.test(
    "`npm run up` on a laptop without Pulumi says so and ends with the service's answer",
    async () => {
      const { code, stdout, stderr } = await workspace.npm(["up", "--stack", workspace.stack], {
        CATALOG_NO_PULUMI: "1",
      });
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      assert.match(stdout, /^! pulumi .*Building without it/m);
      assert.match(stdout, new RegExp(`http://127\\.0\\.0\\.1:${workspace.port}/ {2}→ Hello, World!\\s*$`));
    },
  );

  await t.test("/ and /index answer", async () => {
    for (const path of ["", "index"]) {
      const answer = await fetch(`http://127.0.0.1:${workspace.port}/${path}`);
      assert.equal(await answer.text(), "Hello, World!");
    }
  });

  const login = loginOf(workspace, workspace.read(".catalog/registry-password"));
  const subjects = subjectsOf(workspace);

  await t.test("all layers are in the registry, behind its login", async () => {
    assert.equal(subjects.length, 5);
    for (const { ref } of subjects) {
      const [, repository = "", tag = ""] = /^[^/]+\/(.*):(.*)$/.exec(ref) ?? [];
      assert.match((await digestOf(login, repository, tag)) ?? "", /^sha256:/, ref);
      assert.equal(
        (await ask({ ...login, password: "wrong" }, `/v2/${repository}/manifests/${tag}`)).status,
        401,
      );
    }
    assert.equal((await fetch(`http://${login.address}/v2/`)).status, 401);
  });

  await testImages(t, subjects, login);

  await t.test("`npm run down` leaves nothing", async () => {
    const { code, stdout, stderr } = await workspace.npm(["down", "--stack", workspace.stack]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.deepEqual(await workspace.leftovers(), []);
  });
});
