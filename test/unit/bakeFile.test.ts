import assert from "node:assert/strict";
import { test } from "node:test";
import { bakeFile, targetName } from "../../ground/program/bakeFile.ts";
import { versionTagsIn } from "../../ground/program/bakeIndexes.ts";
import { layersOf } from "../../ground/program/layers.ts";
import { record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const password = "a-password-of-the-tests";
const dev = readStack("dev");
const recording = await record(dev, password);
const file = bakeFile(recording);

test("one target an image, its contexts are the targets of what it is built from", () => {
  const layers = layersOf(recording);
  assert.deepEqual(
    layers.map(({ name, parents }) => [name, parents]),
    [
      ["debian-13", []],
      ["pyenv-2.7-debian-13", ["debian-13"]],
      ["python-3.13-debian-13", ["pyenv-2.7-debian-13"]],
      ["python-3.13-slim-debian-13", ["debian-13", "python-3.13-debian-13"]],
      ["flask-3.1-python-3.13-debian-13", ["python-3.13-slim-debian-13", "python-3.13-debian-13"]],
      ["flask-helloworld", ["flask-3.1-python-3.13-debian-13", "python-3.13-debian-13"]],
    ],
  );
  for (const { name, parents } of layers) {
    const [parent, builder] = parents.map((layer) => `target:${targetName(layer)}`);
    assert.equal(file.target[targetName(name)]?.contexts.parent, parent);
    assert.equal(file.target[targetName(name)]?.contexts.builder, builder);
  }
  assert.equal(file.target["flask-helloworld"]?.args.BUILDER, "builder");
  assert.equal(file.target["pyenv-2_7-debian-13"]?.args.PARENT, "parent");
  assert.equal(file.target["debian-13"]?.args.PARENT, undefined);
  assert.match(file.target["debian-13"]?.contexts.base as string, /^docker-image:\/\/debian:13-slim@sha256:/);
});

test("what is parent and builder at once has one context, as bake resolves no second one", async () => {
  const { target } = bakeFile(await record({ ...dev, values: { ...dev.values, variant: "full" } }, password));
  const { args, contexts } = target["flask-3_1-python-3_13-debian-13"] ?? assert.fail();
  assert.deepEqual(contexts, { parent: "target:python-3_13-debian-13" });
  assert.deepEqual([args.PARENT, args.BUILDER], ["parent", "parent"]);
});

test("tags, arguments and labels are the program's own", () => {
  for (const { name, type, inputs } of recording.resources) {
    if (type !== "docker-build:index:Image") continue;
    const target = file.target[name.replace(/-image$/, "").replaceAll(".", "_")];
    assert.deepEqual(target?.tags, inputs.tags);
    const { "org.opencontainers.image.base.digest": digest, ...labels } = target?.labels ?? {};
    const { "org.opencontainers.image.base.digest": recorded, ...expected } = inputs.labels as Record<
      string,
      string
    >;
    assert.deepEqual(labels, expected);
    if (recorded?.startsWith("sha256:recorded-")) assert.match(digest as string, /^\$\{DIGEST_\w+\}$/);
    else assert.equal(digest, recorded);
  }
});

test("secrets are references, and no password is in the file", () => {
  assert.deepEqual(file.target["debian-13"]?.secret, ["id=ca,src=.catalog/secrets/ca"]);
  assert.ok(!JSON.stringify(file).includes(password));
});

test("a build cache is read and written where the stack has one", async () => {
  const { target } = bakeFile(await record({ ...dev, values: { ...dev.values, cache: "max" } }, password));
  const from = "type=registry,ref=localhost:5001/catalog/cache:debian-13";
  assert.deepEqual(target["debian-13"]?.["cache-from"], [from]);
  assert.deepEqual(target["debian-13"]?.["cache-to"], [
    `${from},mode=max,oci-mediatypes=true,image-manifest=true,ignore-error=true`,
  ]);
  for (const { "cache-from": from, "cache-to": to } of Object.values(file.target))
    assert.deepEqual([...from, ...to], []);
});

test("what bake would read as a template is kept as text", async () => {
  const labels = { source: "https://git.example.com/$" + "{x}/%" + "{y}" };
  const { target } = bakeFile(await record({ ...dev, values: { ...dev.values, labels } }, password));
  assert.equal(
    target["debian-13"]?.labels["org.opencontainers.image.source"],
    "https://git.example.com/$$" + "{x}/%%" + "{y}",
  );
});

test("for several platforms there is a target each, on that of the parent, and version tags of indexes too", async () => {
  const registry = { embedded: false, address: "registry.example.com" };
  const platforms = ["linux/amd64", "linux/arm64"];
  const two = await record({ ...dev, values: { ...dev.values, registry, platforms } }, password);
  const { target } = bakeFile(two);
  assert.equal(Object.keys(target).length, 2 * Object.keys(file.target).length);
  for (const { name, parents } of layersOf(two)) {
    const [, architecture] = /-(amd64|arm64)$/.exec(name) ?? [];
    assert.deepEqual(target[targetName(name)]?.platforms, [`linux/${architecture}`]);
    for (const parent of parents) assert.ok(parent.endsWith(`-${architecture}`), `${name} on ${parent}`);
    const { parent, builder } = target[targetName(name)]?.contexts ?? {};
    assert.deepEqual(
      [parent, builder].flatMap((context) => context ?? []),
      parents.map((layer) => `target:${targetName(layer)}`),
    );
  }
  const single = versionTagsIn(recording).map((tag) => tag.replace("localhost:5001", registry.address));
  const variants = ["", "-amd64", "-arm64"];
  const expected = single.flatMap((tag) => variants.map((variant) => `${tag}${variant}`));
  assert.deepEqual(versionTagsIn(two).sort(), expected.sort());
  assert.ok(Object.values(file.target).every((single) => !("platforms" in single)));
});
