import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { subjectsOf, testImages } from "../support/subjects.ts";
import { freePort, loginOf, Workspace } from "../support/workspace.ts";
import { breakRules } from "./breakages.ts";

/** A framework with the newest of its versions here. */
const newest = (name: string) => {
  const versions = readdirSync(`images/${name}`).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return { name, version: versions.at(-1) as string };
};

let base: string;
const workspaces: Workspace[] = [];

before(async () => {
  await ensureDocker();
  base = (await chooseStack()).name;
});
after(async () => {
  for (const workspace of workspaces) await workspace.remove();
});

async function built(settings: { frameworks: object[]; applications: object[] }): Promise<Workspace> {
  const workspace = await Workspace.make(base, settings);
  workspaces.push(workspace);
  const { code, stdout, stderr } = await workspace.npm(["bake", "--build", "--stack", workspace.stack]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  return workspace;
}

const password = (workspace: Workspace) => workspace.read(".catalog/registry-password");

test("two applications on two frameworks run side by side, and a framework brings a Dockerfile of its own", async (t) => {
  const applications = [
    { name: "flask-helloworld", version: "1.0.0", framework: "flask", publish: await freePort() },
    { name: "django-hello", version: "1.0.0", framework: "django", publish: await freePort() },
  ];
  const workspace = await built({ frameworks: ["flask", "django", "ansible"].map(newest), applications });

  for (const { name, publish } of applications) {
    await t.test(`${name} answers`, async () => {
      const answer = await fetch(`http://127.0.0.1:${publish}/`);
      assert.equal(await answer.text(), "Hello, World!");
    });
  }
  const subjects = subjectsOf(workspace).filter(({ line }) =>
    line.some((image) => ["django", "ansible"].includes(image)),
  );
  assert.deepEqual(subjects.map(({ image }) => image).sort(), ["ansible", "django", "django-hello"]);
  await testImages(t, subjects, loginOf(workspace, password(workspace)));
  for (const [image, ...written] of [
    ["ansible", "ansible"],
    ["django-hello", "django", "django-hello"],
  ] as const) {
    const subject = subjects.find((subject) => subject.image === image) ?? assert.fail(image);
    await breakRules(t, subject, ...written);
  }
});

test("TensorFlow calculates", {
  skip: process.env.CATALOG_TEST_TENSORFLOW
    ? false
    : "it takes minutes; CATALOG_TEST_TENSORFLOW=1 includes it",
}, async (t) => {
  const workspace = await built({ frameworks: [{ ...newest("tensorflow"), budget: 700 }], applications: [] });
  const subjects = subjectsOf(workspace).filter(({ image }) => image === "tensorflow");
  await testImages(t, subjects, loginOf(workspace, password(workspace)));
  await breakRules(t, subjects[0] ?? assert.fail(), "tensorflow");
});
