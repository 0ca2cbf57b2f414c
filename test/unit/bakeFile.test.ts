import assert from "node:assert/strict";
import { test } from "node:test";
import { bakeFile, targetName } from "../../ground/program/bakeFile.ts";
import { layersOf } from "../../ground/program/layers.ts";
import { record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const password = "a-password-of-the-tests";
const dev = readStack("dev");
const recording = await record(dev, password);
const file = bakeFile(recording);

test("one target an image, a child's context is its parent's target", () => {
  const layers = layersOf(recording);
  assert.deepEqual(
    layers.map(({ name, parent }) => [name, parent]),
    [
      ["debian-13", undefined],
      ["pyenv-2.7-debian-13", "debian-13"],
      ["python-3.13-debian-13", "pyenv-2.7-debian-13"],
      ["flask-3.1-python-3.13-debian-13", "python-3.13-debian-13"],
      ["flask-helloworld", "flask-3.1-python-3.13-debian-13"],
    ],
  );
  for (const { name, parent } of layers) {
    const context = parent && `target:${targetName(parent)}`;
    assert.equal(file.target[targetName(name)]?.contexts.parent, context);
  }
  assert.equal(file.target["pyenv-2_7-debian-13"]?.args.PARENT, "parent");
  assert.equal(file.target["debian-13"]?.args.PARENT, undefined);
  assert.match(file.target["debian-13"]?.contexts.base as string, /^docker-image:\/\/debian:13-slim@sha256:/);
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
