import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import type { BakeFile } from "../../ground/program/bakeFile.ts";
import { loginFolder } from "../../ground/tools/dockerConfig.ts";
import { must } from "../../ground/tools/exec.ts";
import { ask, digestOf } from "../../ground/tools/registry.ts";
import { loginOf, Workspace } from "../support/workspace.ts";
import { rulesFor, type Subject } from "./rules.ts";

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
  const { target: targets } = JSON.parse(workspace.read("docker-bake.json")) as BakeFile;
  const subjects = Object.entries(targets).map(([name, target]) =>
    subjectOf(name, target.tags[0] as string, targets),
  );

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

  const dockerConfig = loginFolder(login);
  t.after(() => rmSync(dockerConfig, { recursive: true }));
  for (const subject of subjects) {
    await t.test(subject.image, async (t) => {
      await must("docker", ["--config", dockerConfig, "pull", "--quiet", subject.ref]);
      for (const { what, check } of rulesFor(subject)) await t.test(what, () => check(subject));
    });
  }

  await t.test("`npm run down` leaves nothing", async () => {
    const { code, stdout, stderr } = await workspace.npm(["down", "--stack", workspace.stack]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.deepEqual(await workspace.leftovers(), []);
  });
});

function subjectOf(name: string, ref: string, targets: BakeFile["target"]): Subject {
  const line: string[] = [];
  for (let next: string | undefined = name; next !== undefined; ) {
    line.push(targets[next]?.labels["org.opencontainers.image.title"] as string);
    next = targets[next]?.contexts.parent?.slice("target:".length);
  }
  const labels = targets[name]?.labels ?? {};
  return {
    image: line[0] as string,
    version: labels["org.opencontainers.image.version"] as string,
    ref,
    namespace: "catalog",
    line,
  };
}
