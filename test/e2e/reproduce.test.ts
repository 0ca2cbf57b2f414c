import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { noOwnBuilder as skip } from "../support/ownBuilder.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import { Workspace } from "../support/workspace.ts";

const frameworks = [{ name: "flask", version: "3.1.3" }];
const stable = `ARG PARENT=scratch
FROM \${PARENT}
ARG PYTHON_VERSION
USER root
RUN echo "$PYTHON_VERSION" >/python && date +%N >/tmp/now && rm /tmp/now
`;
let workspace: Workspace;

before(async () => {
  if (skip) return;
  await ensureDocker();
  workspace = await makeStandIns({ pythons: [python("3.13.5")], frameworks, applications: [] });
  workspace.write("images/python/Dockerfile", stable);
});
after(() => workspace?.remove());

const reproduce = (...images: string[]) =>
  workspace.npm(["reproduce", "--stack", workspace.stack, ...images]);
/** What `reproduce` has left in the checkout. */
const left = () =>
  readdirSync(join(workspace.folder, ".catalog")).filter((name) => name.startsWith("reproduce"));

test("`npm run reproduce`", { skip }, async (t) => {
  await t.test("all images, built twice on empty builders, are the same to the byte", async () => {
    const { code, stdout, stderr } = await reproduce();
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    const same = [...stdout.matchAll(/^✓ same +(\S+) +[0-9a-f]{12}, \d+ layers$/gm)].map(([, name]) => name);
    const names = [
      "debian-13",
      "pyenv-2.5-debian-13",
      "python-3.13-debian-13",
      "python-3.13-slim-debian-13",
      "flask-3.1-python-3.13-debian-13",
    ];
    assert.deepEqual(same, names);
    assert.doesNotMatch(stdout, /CACHED/);
    assert.deepEqual(left(), []);
  });

  await t.test("an image that is not says which file differs, in which layer, and fails", async () => {
    const random = "cat /proc/sys/kernel/random/uuid >/random";
    workspace.write("images/python/Dockerfile", `${stable}RUN ${random}\n`);
    const { code, stdout } = await reproduce("python");
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^! differs +python-3\.13-debian-13 +[0-9a-f]{12} and [0-9a-f]{12}, /m);
    assert.match(stdout, new RegExp(`^ {4}layer \\d+, RUN .*${random}.*\\n {6}random: content$`, "m"));
    assert.equal(stdout.match(/^ {6}/gm)?.length, 1);
    assert.doesNotMatch(stdout, /debian-13 .*same|flask/);
  });

  await t.test("a name that is none is one sentence, before anything is built", async () => {
    const { code, stdout, stderr } = await reproduce("pyton");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^✗ There is no such image: found "pyton"; one of debian-13, pyenv-2\.5-debian-13, .* is needed\.$/m,
    );
    assert.doesNotMatch(stdout, /building/);
  });

  await t.test("a build that fails is one sentence; interrupted, nothing is left", async () => {
    workspace.write("images/python/Dockerfile", `${stable}RUN echo no luck && exit 3\n`);
    const { code, stderr } = await reproduce("python");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^✗ The images cannot be built: RUN echo no luck && exit 3 failed with code 3: no luck\.$/m,
    );

    workspace.write("images/python/Dockerfile", `${stable}RUN sleep 300\n`);
    const run = workspace.start(["reproduce", "--stack", workspace.stack, "python"]);
    while (!run.output().includes("RUN sleep 300")) {
      assert.equal(run.child.exitCode, null, run.output());
      await sleep(100);
    }
    run.child.kill("SIGINT");
    await new Promise((resolve) => run.child.once("close", resolve));
    assert.match(run.output(), /✗ Interrupted; nothing of it is left\.$/m);
    assert.notEqual(run.child.exitCode, 0);
    assert.deepEqual(left(), []);
    assert.ok(existsSync(join(workspace.folder, ".catalog")));
  });
});

test("the real chain, built twice from nothing, is the same to the byte", {
  skip:
    skip ||
    (process.env.CATALOG_TEST_REPRODUCE
      ? false
      : "it compiles CPython twice; CATALOG_TEST_REPRODUCE=1 includes it"),
}, async () => {
  const real = await Workspace.make((await chooseStack()).name);
  try {
    const { code, stdout, stderr } = await real.npm(["reproduce", "--stack", real.stack]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.equal(stdout.match(/^✓ same /gm)?.length, 6, stdout);
  } finally {
    await real.remove();
  }
});
