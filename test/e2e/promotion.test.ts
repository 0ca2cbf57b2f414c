import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { must } from "../../ground/tools/exec.ts";
import { ask, digestOf, type Login } from "../../ground/tools/registry.ts";
import { previewed, select, updated } from "../support/engine.ts";
import { addEnvironment, type Environment, noEnvironment as skip } from "../support/environments.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import { ownAddress } from "../support/tlsRegistry.ts";
import { loginOf, type Workspace } from "../support/workspace.ts";

type Images = Record<string, { ref: string; digest: string; image: string; tags: string[] }>;

/** The application and what it stands on; what has built it, and the other Python with its Flask, are beside it. */
const line = [
  "debian-13",
  "flask-3.1-python-3.13-debian-13",
  "flask-helloworld",
  "python-3.13-slim-debian-13",
];
const others = [
  "flask-3.1-python-3.12-debian-13",
  "pyenv-2.5-debian-13",
  "python-3.12-debian-13",
  "python-3.12-slim-debian-13",
  "python-3.13-debian-13",
];
const moved = [
  "flask-helloworld-index",
  "flask-helloworld-index-2",
  "flask-helloworld-service-container",
  "flask-helloworld-service-image",
];

let workspace: Workspace;
let staging: Environment;
let prod: Environment;
let login: Login;
let dev: Stack;

before(async () => {
  if (skip) return;
  await ensureDocker();
  workspace = await makeStandIns({ pythons: [python("3.13.5"), python("3.12.11")] });
  // The service sleeps and answers nothing, so the command fails in the end; all that it has to make is there.
  const { stdout, stderr } = await workspace.npm(["up", "--stack", workspace.stack, "--engine"]);
  assert.match(stdout, /29 created/, `${stdout}\n${stderr}`);
  dev = await select(workspace);
  login = loginOf(workspace, (await dev.getConfig("registryPassword")).value);
  staging = await addEnvironment(workspace, "staging", { promote: { from: workspace.stack } }, [login]);
  const promote = { from: staging.stack, only: ["flask-helloworld"] };
  prod = await addEnvironment(workspace, "prod", { promote }, [staging.registry]);
});
after(async () => {
  await prod?.remove();
  await staging?.remove();
  await workspace?.remove();
});

const imagesOf = async (stack: Stack) => (await stack.outputs()).images?.value as Images;

/** That a registry has an image under all its tags: in an index, and the manifest with this digest is all of it. */
async function holds(login: Login, { image, tags, digest }: Images[string]): Promise<void> {
  const repository = `catalog/${image}`;
  for (const tag of tags) {
    const answer = await ask(login, `/v2/${repository}/manifests/${tag}`);
    const { manifests } = (await answer.json()) as { manifests: { digest: string }[] };
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [digest],
      `${repository}:${tag}`,
    );
  }
  assert.equal(await digestOf(login, repository, digest), digest, repository);
}

test("an embedded registry answers on loopback alone, and to its login alone", { skip }, async () => {
  const { registryPort: port } = workspace;
  assert.equal((await ask({ ...login, password: "wrong" }, "/v2/")).status, 401);
  assert.equal((await fetch(`http://127.0.0.1:${port}/v2/catalog/debian/tags/list`)).status, 401);
  await assert.rejects(fetch(`http://${ownAddress()}:${port}/v2/`), ({ cause }: Error) => {
    assert.equal((cause as NodeJS.ErrnoException).code, "ECONNREFUSED");
    return true;
  });
});

test("`up` promotes all images and builds none, without a builder", { skip }, async () => {
  const { stdout, stderr } = await workspace.npm(["up", "--stack", staging.stack], staging.env);
  assert.match(stdout, /33 created/, `${stdout}\n${stderr}`);
  const { deployment } = await staging.engine.exportStack();
  const types = (deployment as { resources: { type: string }[] }).resources.map(({ type }) => type);
  assert.equal(types.filter((type) => type === "docker-build:index:Index").length, 16);
  assert.ok(!types.includes("docker-build:index:Image"));
  assert.deepEqual(await previewed(staging.engine), []);
  const bake = await workspace.npm(["bake", "--stack", staging.stack], staging.env);
  assert.match(
    bake.stderr,
    /^✗ The stack \S+ builds nothing: it promotes the images of .*, for which Pulumi is needed/m,
  );
});

test("one application is promoted with its ancestors only, and runs out of the registry it was promoted to", {
  skip,
}, async () => {
  await updated(prod.engine);
  const images = await imagesOf(prod.engine);
  assert.deepEqual(Object.keys(images).sort(), line);
  const tags = await ask(prod.registry, "/v2/catalog/python/tags/list");
  assert.deepEqual(((await tags.json()) as { tags: string[] }).tags.sort(), [
    "3.13.5-slim",
    "3.13.5-slim-debian13",
  ]);

  const { ref, digest } = images["flask-helloworld"] as Images[string];
  assert.ok(ref.startsWith(`${prod.registry.address}/catalog/flask-helloworld:`), ref);
  assert.ok(ref.endsWith(`@${digest}`), ref);
  const filter = ["--filter", `label=image-catalog.stack=${prod.stack}`];
  const { stdout } = await must("docker", ["ps", "--no-trunc", ...filter, "--format", "{{.Image}}"]);
  assert.equal(stdout.trim(), ref);
});

test("each image has one digest in all environments, as their registries say", { skip }, async () => {
  const built = await imagesOf(dev);
  for (const [name, { image, tags, digest }] of Object.entries(built)) {
    for (const tag of tags) assert.equal(await digestOf(login, `catalog/${image}`, tag), digest, name);
  }
  const all = [...line, ...others].sort();
  for (const [{ engine, registry }, names] of [[staging, all] as const, [prod, line] as const]) {
    const images = await imagesOf(engine);
    assert.deepEqual(Object.keys(images).sort(), names);
    for (const name of names) {
      const image = built[name] as Images[string];
      assert.equal(images[name]?.digest, image.digest, name);
      await holds(registry, image);
    }
  }
});

const application = "images/flask-helloworld/app/helloworld.py";

test("another image under a version tag that is promoted is refused, at preview and before it is copied", {
  skip,
}, async () => {
  const image = (await imagesOf(dev))["flask-helloworld"] as Images[string];
  workspace.edit(application, "Hello", "Hallo");
  await updated(dev);
  for (const run of [() => previewed(staging.engine), () => updated(staging.engine)]) {
    await assert.rejects(
      run,
      /\/flask-helloworld:1\.0\.0-\S+ is published, and has another image \(sha256:\w+\): a `revision` in the stack/,
    );
    await holds(staging.registry, image);
  }
  const { code, stderr } = await workspace.npm(["up", "--stack", staging.stack], staging.env);
  assert.equal(code, 1);
  assert.match(stderr, /^✗ \S+\/flask-helloworld:1\.0\.0-\S+ is published, .* Nothing was promoted\.$/m);
  workspace.edit(application, "Hallo", "Hello");
  await updated(dev);
  assert.deepEqual(await previewed(staging.engine), []);
});

test("a preview lists the images that have moved, one stage after the other", { skip }, async () => {
  const short = async () => (await imagesOf(dev))["flask-helloworld"]?.digest.slice(7, 19);
  const before = await short();
  workspace.edit(application, "Hello", "Goodbye");
  workspace.configure((config) => ({
    ...config,
    "catalog:applications": [{ ...(config["catalog:applications"] as object[])[0], revision: 2 }],
  }));
  await updated(dev);
  const now = await short();
  assert.notEqual(now, before);

  assert.deepEqual(await previewed(prod.engine), []);
  assert.deepEqual(await previewed(staging.engine), moved);
  const { stdout, stderr } = await workspace.npm(["preview", "--stack", staging.stack], staging.env);
  assert.equal(
    stdout.trim().split("\n").at(-1),
    `flask-helloworld ${before} → ${now}: promotes 1 of 9 images from ${workspace.stack}, replaces 1 container.`,
    stderr,
  );
  assert.deepEqual(await updated(staging.engine), moved);
  assert.deepEqual(await updated(prod.engine), moved);
  const image = (await imagesOf(dev))["flask-helloworld"] as Images[string];
  for (const { registry } of [staging, prod]) await holds(registry, image);
});

test("what is promoted outlives the stack that it came from", { skip }, async () => {
  const image = (await imagesOf(staging.engine))["flask-helloworld"] as Images[string];
  await dev.destroy();
  await assert.rejects(ask(login, "/v2/"), /does not answer/);
  await holds(staging.registry, image);
  const { env } = prod; // Logged in to the registry of staging.
  await must("docker", ["image", "rm", "--force", image.ref]);
  await must("docker", ["pull", "--quiet", image.ref], { env });
  await assert.rejects(
    previewed(staging.engine),
    /promote\.from: the stack \S+ has no images that could be promoted; /,
  );
});
