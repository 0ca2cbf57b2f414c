import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { type ImageStep, isNamedAfter, refusal, versionTagGuard } from "../../components/versionTags.ts";
import { record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import { basic, digest, guarded, login, open, serve } from "../support/fakeRegistry.ts";
import "../support/offline.ts";

const other = `sha256:${"2".repeat(64)}`;

/** The inputs of flask 3.1.3 in a registry. */
const flask = ({ host = "registry.example.com", release = "3.1.3", ...more } = {}) => ({
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
    refusal({ newInputs: flask() }, digest),
    `registry.example.com/catalog/flask:3.1.3-python3.13.5-debian13 is published, and this stack's state does not know it (${digest}): ` +
      "give flask 3.1.3 `revision: 2` in the stack file, or set registry.overwrite to true.",
  );
  const overwritten = { newInputs: flask(), oldInputs: flask(), oldOutputs: { digest: other } };
  assert.match(refusal(overwritten, digest) as string, /this stack's state does not know it/);
});

test("a change of what goes into the stack's own image is refused, and the next revision is named", () => {
  const own = { oldInputs: flask({ release: "3.1.3-r2" }), oldOutputs: { digest } };
  for (const change of [
    { buildArgs: { PARENT: "python@sha256:2" } },
    { context: { location: ".catalog/contexts/flask-2" } },
    { buildArgs: { PARENT: { __pulumiUnknown: true } } },
    { input: "that is new to the provider" },
  ]) {
    const said = refusal({ ...own, newInputs: flask({ release: "3.1.3-r2", ...change }) }, digest);
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
  ]) {
    assert.equal(refusal({ ...own, newInputs: { ...flask(), ...change } }, digest), undefined);
  }
});

test("an image is named after all that it is built on, but for pyenv, which no tag names", () => {
  const python: ImageStep = {
    newInputs: { tags: ["localhost:5000/catalog/python:3.13.5-debian13"], labels: {} },
  };
  assert.ok(isNamedAfter({ newInputs: flask() }, ["python3.13.5-debian13"]));
  assert.ok(isNamedAfter({ newInputs: flask() }, ["other1", "debian13"]));
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

const guard = versionTagGuard({ ...login, password: pulumi.output(login.password) });
const step = (host: string): ImageStep => ({ newInputs: flask({ host }) });

test("before a build the version tag is asked for, and no other", async () => {
  const { host, requests } = await serve(guarded(basic, "Basic realm=catalog"));
  await assert.rejects(guard(step(host)), /flask:3\.1\.3-python3\.13\.5-debian13 is published/);
  assert.ok(
    requests.every((request) => request === "HEAD /v2/catalog/flask/manifests/3.1.3-python3.13.5-debian13"),
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
    return [
      ...new Set(resources.filter(({ type }) => type.endsWith(":Image")).map(({ hooks }) => hooks.join())),
    ];
  };
  const shared = { embedded: false, address: "registry.example.com", username: "robot" };
  assert.deepEqual(await hooks(shared), ["beforeCreate,beforeUpdate"]);
  assert.deepEqual(await hooks({ ...shared, overwrite: true }), [""]);
  assert.deepEqual(await hooks({}), [""]);
});

describe("a preview", () => {
  const mocks = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
  before(() => pulumi.runtime.setMocks(mocks, "catalog", "dev", true));
  after(() => pulumi.runtime.setMocks(mocks, "catalog", "dev", false));

  test("says all that is refused, but not what is cured with it, and fails", async () => {
    const { host } = await serve(open);
    const guard = versionTagGuard({ ...login, password: pulumi.output(login.password) });
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
    const guard = versionTagGuard({ ...login, password: pulumi.output(login.password) });
    await guard(step(host));
    await guard(step(host));
    assert.equal(warnings.length, 1);
    assert.match(warnings.join(), /is published is not known: localhost:\d+ does not answer/);
    assert.deepEqual(errors, []);
  });
});
