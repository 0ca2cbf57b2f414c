/** What the program makes of a base image whose registry answers, does not answer, or is not asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bakeFile, targetName } from "../../ground/program/bakeFile.ts";
import { layersOf } from "../../ground/program/layers.ts";
import { record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import { digest as now, open, serve } from "../support/fakeRegistry.ts";

const dev = readStack("dev");
const pinned = `sha256:${"2".repeat(64)}`;

/** What the program makes of a base: what is built on, what the label says of it, what is said. */
async function madeOf(image: string) {
  const systems = dev.config.systems.map((system) => ({ ...system, base: { image } }));
  const recording = await record({ ...dev, values: { ...dev.values, systems } }, "password");
  const os = targetName(layersOf(recording)[0]?.name ?? "");
  const { contexts, labels } = bakeFile(recording).target[os] ?? assert.fail("no operating system");
  const label = (name: string) => labels[`org.opencontainers.image.base.${name}`];
  return {
    location: contexts.base,
    name: label("name"),
    digest: label("digest"),
    messages: recording.messages,
  };
}

test("a tag that has moved is built on as it is now, and a sentence says so", async () => {
  const { host } = await serve(open);
  const name = `${host}/base:1`;
  const text =
    `${name} has moved from 222222222222 to 111111111111, which is built on now; ` +
    "the pin in the stack file can be updated.";
  assert.deepEqual(await madeOf(`${name}@${pinned}`), {
    location: `docker-image://${name}@${now}`,
    name,
    digest: now,
    messages: [{ severity: "info", text }],
  });
});

test("a tag that has not moved is nothing to talk about", async () => {
  const { host, requests } = await serve(open);
  const name = `${host}/base:1`;
  const location = `docker-image://${name}@${now}`;
  assert.deepEqual(await madeOf(`${name}@${now}`), { location, name, digest: now, messages: [] });
  assert.deepEqual(requests, ["HEAD /v2/base/manifests/1"]);
});

test("a registry that does not answer is a warning, and the pinned digest is built on", async () => {
  const { host } = await serve((_, response) => response.writeHead(503).end());
  const name = `${host}/base:1`;
  const text = `Whether ${name} has moved is not known: ${host} answers 503; the pinned digest is kept.`;
  assert.deepEqual(await madeOf(`${name}@${pinned}`), {
    location: `docker-image://${name}@${pinned}`,
    name,
    digest: pinned,
    messages: [{ severity: "warn", text }],
  });
});

test("an image without a tag is not followed", async () => {
  const { host, requests } = await serve(open);
  const name = `${host}/base`;
  const location = `docker-image://${name}@${pinned}`;
  assert.deepEqual(await madeOf(`${name}@${pinned}`), { location, name, digest: pinned, messages: [] });
  assert.deepEqual(requests, []);
});
