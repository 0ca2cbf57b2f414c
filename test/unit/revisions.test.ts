import assert from "node:assert/strict";
import { test } from "node:test";
import { type Recording, record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const dev = readStack("dev");
const first = (list: string) => (dev.values[list] as object[])[0];

/** The tags of every image, without the registry and the namespace, with a second revision of one list's first item. */
async function tagsOf(list: string): Promise<Record<string, string[]>> {
  const values = { ...dev.values, [list]: [{ ...first(list), revision: 2 }] };
  const { outputs } = await record({ ...dev, values }, "password");
  const images = outputs.images as Record<string, { tags: string[] }>;
  return Object.fromEntries(Object.entries(images).map(([name, { tags }]) => [name, tags]));
}

test("a revision is in the tags of an image and of what is built on it, and short tags point at it", async () => {
  assert.deepEqual(await tagsOf("pythons"), {
    "debian-13": ["13"],
    "pyenv-2.7-debian-13": ["2.7.1-debian13", "2.7.1"],
    "python-3.13-debian-13": ["3.13.5-r2-debian13", "3.13.5"],
    "python-3.13-slim-debian-13": ["3.13.5-r2-slim-debian13", "3.13.5-slim"],
    "flask-3.1-python-3.13-debian-13": ["3.1.3-python3.13.5-r2-slim-debian13", "3.1.3"],
    "flask-helloworld": ["1.0.0-flask3.1.3-python3.13.5-r2-slim-debian13", "1.0.0"],
  });
});

test("a revision of the operating system is in all tags, and leaves the first one's alone", async () => {
  const tags = await tagsOf("systems");
  assert.deepEqual(tags["debian-13"], ["13-r2"]);
  for (const [long] of Object.values(tags)) assert.match(long as string, /13-r2$/);
});

test("a revision of pyenv, which no tag names, is in its own tag alone", async () => {
  const tags = await tagsOf("pyenvs");
  assert.deepEqual(tags["pyenv-2.7-debian-13"], ["2.7.1-r2-debian13", "2.7.1"]);
  assert.deepEqual(tags["python-3.13-debian-13"], ["3.13.5-debian13", "3.13.5"]);
});

test("a revision keeps layers' names and tools' versions", async () => {
  const values = { ...dev.values, frameworks: [{ ...first("frameworks"), revision: 2 }] };
  const labels = ({ resources }: Recording) =>
    resources.find(({ name }) => name === "flask-3.1-python-3.13-debian-13-image")?.inputs.labels as object;
  assert.deepEqual(labels(await record({ ...dev, values }, "password")), {
    ...labels(await record(dev, "password")),
    "catalog.repository.tag": "3.1.3-r2-python3.13.5-slim-debian13",
    "catalog.flask.version": "3.1.3",
    "org.opencontainers.image.version": "3.1.3-r2",
  });
});
