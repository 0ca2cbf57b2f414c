import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { versionTagGuard } from "../../components/versionTagGuard.ts";
import { type ImageStep, imageRefusal, indexRefusal, isNamedAfter } from "../../components/versionTags.ts";
import { IMAGE } from "../../ground/program/layers.ts";
import { record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import { basic, digest, guarded, hasIndex, login, open, serve } from "../support/fakeRegistry.ts";
import "../support/offline.ts";

const other = `sha256:${"2".repeat(64)}`;
const published = { digest, parts: [] };

/** The inputs of flask 3.1.3 in a registry. */
const flask = ({
  host = "registry.example.com",
  release = "3.1.3",
  ...more
}: {
  host?: string;
  release?: string;
  [input: string]: unknown;
} = {}) => ({
  tags: [`${host}/catalog/flask:${release}-python3.13.5-debian13`, `${host}/catalog/flask:3.1.3`] as [
    string,
    string,
  ],
  labels: {
    "org.opencontainers.image.title": "flask",
    "org.opencontainers.image.version": release,
    "org.opencontainers.image.base.name": "python:3.13.5-debian13",
  },
  buildArgs: { PARENT: "python@sha256:1" },
  builder: { name: "catalog" },
  ...more,
});

test("a tag that the state does not know is refused, with what to do", () => {
  assert.equal(
    imageRefusal({ newInputs: flask() }, published),
    `registry.example.com/catalog/flask:3.1.3-python3.13.5-debian13 is published, and this stack's state does not know it (${digest}): ` +
      "give flask 3.1.3 `revision: 2` in the stack file, or set registry.overwrite to true.",
  );
  const overwritten = { newInputs: flask(), oldInputs: flask(), oldOutputs: { digest: other } };
  assert.match(imageRefusal(overwritten, published) as string, /this stack's state does not know it/);
});

test("a change of what goes into the stack's own image is refused, and the next revision is named", () => {
  const own = { oldInputs: flask({ release: "3.1.3-r2" }), oldOutputs: { digest } };
  for (const change of [
    { buildArgs: { PARENT: "python@sha256:2" } },
    { context: { location: ".catalog/contexts/flask-2" } },
    { buildArgs: { PARENT: pulumi.unknown, PYTHON_VERSION: "3.13.6" } },
    { buildArgs: {} },
    { platforms: ["linux/arm64"] },
    { input: "that is new to the provider" },
  ]) {
    const said = imageRefusal({ ...own, newInputs: flask({ release: "3.1.3-r2", ...change }) }, published);
    assert.match(said as string, /what goes into it changes: give flask 3\.1\.3-r2 `revision: 3`/);
  }
});

test("the stack's own image may be pushed again where nothing goes into it that is new", () => {
  const own = { oldInputs: flask(), oldOutputs: { digest } };
  const [long] = flask().tags;
  for (const change of [
    {},
    { builder: { name: "other" } },
    { tags: [long] as [string] },
    { secrets: { ca: "other" } },
    { cacheFrom: [{ raw: "type=registry" }], cacheTo: [{ raw: "type=registry,mode=max" }] },
    { registries: [{ address: "registry.example.com", password: "other" }] },
    { push: true, buildOnPreview: true, noCache: true, pull: true, load: true, ssh: [{ id: "default" }] },
  ]) {
    assert.equal(imageRefusal({ ...own, newInputs: { ...flask(), ...change } }, published), undefined);
  }
});

test("what a preview does not know yet is no change", () => {
  const own = { oldInputs: flask({ platforms: ["linux/amd64"] }), oldOutputs: { digest } };
  for (const change of [
    { buildArgs: { PARENT: pulumi.unknown } },
    { buildArgs: pulumi.unknown },
    { platforms: [pulumi.unknown] },
  ]) {
    const newInputs = flask({ platforms: ["linux/amd64"], ...change });
    assert.equal(imageRefusal({ ...own, newInputs }, published), undefined);
  }
});

test("an index may be pushed where every image that is published is in it", () => {
  const step = (...digests: string[]) => ({
    newInputs: { tag: "localhost:5000/catalog/flask:1", sources: digests.map((it) => `flask:1@${it}`) },
  });
  const index = (...parts: string[]) => ({ digest: `sha256:${"3".repeat(64)}`, parts });
  for (const there of [published, index(digest), { digest, parts: [other] }])
    assert.equal(indexRefusal(step(digest), there), undefined);
  assert.equal(indexRefusal(step(digest, other), index(other)), undefined, "a platform more");
  const unknown = {
    newInputs: { tag: "a/flask:1", sources: [`flask:1@${digest}`, pulumi.unknown as never] },
  };
  const own = { ...unknown, oldOutputs: { ref: `a/flask:1@${digest}` } };
  assert.equal(indexRefusal(own, { digest, parts: [other] }), undefined, "at preview");
  assert.match(
    indexRefusal(unknown, published) as string,
    /is published, and this stack's state does not know it/,
  );
  assert.match(indexRefusal(own, index(digest)) as string, /this stack's state does not know it/);
  for (const there of [index(digest, other), index(other), index(), { digest: other, parts: [] }])
    assert.match(
      indexRefusal(step(digest), there) as string,
      /^localhost:5000\/catalog\/flask:1 is published, and has another image \(sha256:\w+\): .* registry\.overwrite to true\.$/,
    );
});

test("an image is named after all that it is built on, but for pyenv, which no tag names", () => {
  const [long] = flask().tags;
  const python = "localhost:5000/catalog/python:3.13.5-debian13";
  assert.ok(isNamedAfter(long, ["python3.13.5-debian13"]));
  assert.ok(isNamedAfter(long, ["other1", "debian13"]));
  assert.ok(isNamedAfter(python, ["debian13"]));
  assert.ok(!isNamedAfter(python, ["pyenv2.7.1-debian13"]));
  assert.ok(!isNamedAfter(python, ["debian1", "ian13", "python3.13.5-debian13"]));
});

const { log } = pulumi;
const { error, warn } = log;
let errors: string[];
let warnings: string[];
beforeEach(() => {
  [errors, warnings] = [[], []];
  const into = (list: string[]) => async (text: string) => void list.push(text);
  Object.assign(log, { error: into(errors), warn: into(warnings) });
});
afterEach(() => Object.assign(log, { error, warn }));

const newGuard = () =>
  versionTagGuard<ImageStep>(
    { ...login, password: pulumi.output(login.password) },
    ({ newInputs }) => newInputs.tags[0],
    imageRefusal,
  );
const guard = newGuard();
const step = (host: string): ImageStep => ({ newInputs: flask({ host }) });

test("before a build the version tag is asked for, and no other", async () => {
  const { host, requests } = await serve(guarded(basic, "Basic realm=catalog", hasIndex));
  await assert.rejects(guard(step(host)), /flask:3\.1\.3-python3\.13\.5-debian13 is published/);
  assert.ok(
    requests.every((request) => request === "GET /v2/catalog/flask/manifests/3.1.3-python3.13.5-debian13"),
  );
  const free = await serve((_, response) => response.writeHead(404).end());
  await guard(step(free.host));
  assert.deepEqual(warnings, []);
});

test("where the registry refuses to say, that is a warning: some do for what is not there yet", async () => {
  const { host } = await serve((_, response) => response.writeHead(403).end());
  await guard(step(host));
  assert.match(
    warnings.join(),
    /^Whether .* is published is not known: .* refuses the login for catalog\/flask/,
  );
});

test("where the registry does not answer, nothing is built", async () => {
  const { host, stop } = await serve(open);
  stop();
  await assert.rejects(guard(step(host)), /does not answer/);
});

test("images of a registry that exists are guarded, unless it may be overwritten; those of an embedded one are not", async () => {
  const dev = readStack("dev");
  const hooks = async (registry: object) => {
    const { resources } = await record({ ...dev, values: { ...dev.values, registry } }, "password");
    return [...new Set(resources.filter(({ type }) => type === IMAGE).map(({ hooks }) => hooks.join()))];
  };
  const shared = { embedded: false, address: "registry.example.com", username: "robot" };
  assert.deepEqual(await hooks(shared), ["beforeCreate,beforeUpdate,onError"]);
  assert.deepEqual(await hooks({ ...shared, overwrite: true }), ["onError"]);
  assert.deepEqual(await hooks({}), ["onError"]);
});

describe("a preview", () => {
  const mocks = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
  before(() => pulumi.runtime.setMocks(mocks, "catalog", "dev", true));
  after(() => pulumi.runtime.setMocks(mocks, "catalog", "dev", false));

  test("says all that is refused, but not what is cured with it, and fails", async () => {
    const { host } = await serve(hasIndex);
    const guard = newGuard();
    const labels = { "org.opencontainers.image.title": "x", "org.opencontainers.image.version": "1" };
    const tags = ["debian:13", "python:3.13.5-debian13", "alpine:3.20.3"].map(
      (tag) => `${host}/catalog/${tag}`,
    );
    try {
      for (const tag of tags) await guard({ newInputs: { tags: [tag], labels } });
      assert.deepEqual(
        errors.map((text) => text.split(" ")[0]),
        [tags[0], tags[2]],
      );
      assert.equal(process.exitCode, 32);
    } finally {
      process.exitCode = 0;
    }
  });

  test("of a registry that does not answer is a warning, once", async () => {
    const { host, stop } = await serve(open);
    stop();
    const guard = newGuard();
    await guard(step(host));
    await guard(step(host));
    assert.equal(warnings.length, 1);
    assert.match(warnings.join(), /is published is not known: localhost:\d+ does not answer/);
    assert.deepEqual(errors, []);
  });
});
