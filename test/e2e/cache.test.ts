import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import type { Images } from "../../ground/program/sizes.ts";
import { digestOf } from "../../ground/tools/registry.ts";
import { commandsOfBake } from "../support/display.ts";
import { noEngine, previewed, select, updated } from "../support/engine.ts";
import { noOwnBuilder, startBuilder } from "../support/ownBuilder.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import { loginOf, newPassword, type Settings, Workspace } from "../support/workspace.ts";

const images = [
  "debian-13-image",
  "flask-3.1-python-3.13-debian-13-image",
  "flask-helloworld-image",
  "pyenv-2.5-debian-13-image",
  "python-3.13-debian-13-image",
  "python-3.13-slim-debian-13-image",
];
const workspaces: Workspace[] = [];

before(ensureDocker);
after(async () => {
  for (const workspace of workspaces) await workspace.remove();
});

/** A Python whose commands, in each of its stages, no builder has seen, and give something else at each execution. */
async function make(settings: Settings): Promise<Workspace> {
  const frameworks = [{ name: "flask", version: "3.1.3" }];
  const uuid = "/proc/sys/kernel/random/uuid";
  const workspace = await makeStandIns(
    { pythons: [python("3.13.5")], frameworks, ...settings },
    {
      "images/python": `ARG PARENT=scratch
FROM \${PARENT} AS unpacked
USER root
RUN mkdir /unpacked && echo ${newPassword()} && cat ${uuid} >/unpacked/first
FROM \${PARENT}
ARG PYTHON_VERSION
USER root
RUN --mount=type=bind,from=unpacked,source=/unpacked,target=/mnt cat /mnt/first ${uuid} >/python
`,
    },
  );
  workspaces.push(workspace);
  return workspace;
}

const set = (workspace: Workspace, name: string, value: unknown) =>
  workspace.configure((config) => ({ ...config, [`catalog:${name}`]: value }));
const cached = (workspace: Workspace, password: string) =>
  digestOf(loginOf(workspace, password), "catalog/cache", "python-3.13-debian-13");

test("a build cache in the registry, with the real engine", { skip: noEngine || noOwnBuilder }, async (t) => {
  const workspace = await make({});
  const { stdout, stderr } = await workspace.npm(["up", "--stack", workspace.stack, "--engine"]);
  // The service sleeps and answers nothing: everything else has to be there.
  assert.match(stdout, /23 created/, `${stdout}\n${stderr}`);
  const stack = await select(workspace);
  const { value: password } = await stack.getConfig("registryPassword");
  const built = async () => (await stack.outputs()).images?.value as Images;
  const first = await built();

  await t.test("a preview says that all images are built again, and writes no cache", async () => {
    set(workspace, "cache", "max");
    const listed = await previewed(stack);
    for (const image of images) assert.ok(listed.includes(image), image);
    assert.equal(await cached(workspace, password), undefined);
  });

  await t.test("`up` writes it, and the images are the same to the byte", async () => {
    assert.deepEqual(await updated(stack), images);
    assert.match((await cached(workspace, password)) ?? "none", /^sha256:/);
    assert.deepEqual(await built(), first);
  });

  await t.test("a builder that starts empty executes no command again", async (t) => {
    const fresh = await startBuilder(workspace.stack);
    t.after(fresh.stop);
    set(workspace, "builder", workspace.stack);
    assert.deepEqual(await updated(stack), images);
    assert.deepEqual(await built(), first);
    assert.deepEqual(await previewed(stack), []);
  });
});

test("a build cache in the registry, without the engine", { skip: noOwnBuilder }, async (t) => {
  const workspace = await make({ cache: "max", applications: [] });
  const first = await bake(workspace);
  assert.equal(first.digests.length, 5);
  assert.ok(first.commands.some(({ image, cached }) => image === "python-3.13-debian-13" && !cached));
  await bakeAgain(t, workspace, first);
});

test("the real chain: CPython is not compiled again", { skip: noOwnBuilder }, async (t) => {
  const application = { name: "flask-helloworld", version: "1.0.0", framework: "flask" };
  const workspace = await Workspace.make((await chooseStack()).name, {
    cache: "max",
    applications: [application],
  });
  workspaces.push(workspace);
  const commands = await bakeAgain(t, workspace, await bake(workspace));
  assert.ok(commands.some((command) => command.includes("install-python.sh")));
});

type Baked = { digests: string[][]; commands: ReturnType<typeof commandsOfBake> };

async function bake(workspace: Workspace): Promise<Baked> {
  const { code, stdout, stderr } = await workspace.npm(["bake", "--build", "--stack", workspace.stack]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  const digests = [...stdout.matchAll(/^✓ image +(\S+) +(\S+)$/gm)].map(([, ...built]) => built);
  return { digests, commands: commandsOfBake(stdout) };
}

/** The same by a builder that starts empty: the same images, and no command is executed. @returns the commands. */
async function bakeAgain(t: TestContext, workspace: Workspace, first: Baked): Promise<string[]> {
  const fresh = await startBuilder(workspace.stack);
  t.after(fresh.stop);
  set(workspace, "builder", workspace.stack);
  const { digests, commands } = await bake(workspace);
  assert.deepEqual(digests, first.digests);
  assert.deepEqual(
    commands.filter(({ cached }) => !cached),
    [],
  );
  assert.ok(commands.some(({ image }) => image === "python-3.13-debian-13"));
  return commands.map(({ command }) => command);
}
