import assert from "node:assert/strict";
import { test } from "node:test";
import { type Config, parseConfig } from "../../components/settings.ts";
import { treeOf } from "../../components/tree.ts";
import { type Recording, record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const dev = readStack("dev");
const sha256 = "0".repeat(64);
const base = { mmdebstrap: "trixie" };
const source = { git: "https://git.example.com/pyenv.git", commit: "0".repeat(40) };

/** Two operating systems, pyenvs, Pythons, versions of Flask and Javas, some of them not on everything. */
const matrix = {
  systems: [
    { name: "debian", version: "13", base },
    { name: "debian", version: "12", base },
    { name: "alpine", version: "3.20.3", base },
  ],
  pyenvs: [
    { version: "2.7.1", source },
    { version: "2.5.4", source, on: ["debian-12"] },
  ],
  pythons: [
    { version: "3.13.5", sha256 },
    { version: "3.12.11", sha256, on: ["debian"] },
    { version: "3.11.2", sha256, on: ["pyenv-2.5"] },
  ],
  javas: [{ version: "21", on: ["debian-13"] }],
  frameworks: [
    { name: "flask", version: "3.1.3" },
    { name: "flask", version: "1.1.1", on: ["python-3.12-debian-13", "alpine"] },
  ],
  applications: [{ name: "flask-helloworld", version: "1.0.0", framework: "flask-1.1" }],
};

const configOf = (change: Record<string, unknown> = {}): Config => {
  const { config, problems } = parseConfig({ ...dev.values, ...matrix, ...change });
  assert.ok(config, problems.join("\n"));
  return config;
};
const namesOf = (branches: readonly { readonly name: string }[]) => branches.map(({ name }) => name);

test("every item is built on every layer below that it does not exclude", () => {
  const tree = treeOf(configOf());
  assert.deepEqual(namesOf(tree.systems), ["debian-13", "debian-12", "alpine-3.20"]);
  assert.deepEqual(namesOf(tree.pyenvs), [
    "pyenv-2.7-debian-13",
    "pyenv-2.7-debian-12",
    "pyenv-2.5-debian-12",
    "pyenv-2.7-alpine-3.20",
  ]);
  assert.deepEqual(
    tree.pythons.map(({ name, parent }) => [name, parent?.name]),
    [
      ["python-3.13-debian-13", "pyenv-2.7-debian-13"],
      ["python-3.12-debian-13", "pyenv-2.7-debian-13"],
      ["python-3.13-debian-12", "pyenv-2.7-debian-12"],
      ["python-3.12-debian-12", "pyenv-2.7-debian-12"],
      ["python-3.11-debian-12", "pyenv-2.5-debian-12"],
      ["python-3.13-alpine-3.20", "pyenv-2.7-alpine-3.20"],
    ],
  );
  assert.deepEqual(namesOf(tree.javas), ["java-21-debian-13"]);
  assert.deepEqual(namesOf(tree.frameworks), [
    "flask-3.1-python-3.13-debian-13",
    "flask-3.1-python-3.12-debian-13",
    "flask-1.1-python-3.12-debian-13",
    "flask-3.1-python-3.13-debian-12",
    "flask-3.1-python-3.12-debian-12",
    "flask-3.1-python-3.11-debian-12",
    "flask-3.1-python-3.13-alpine-3.20",
    "flask-1.1-python-3.13-alpine-3.20",
  ]);
});

test("each Python has a slim one on its operating system, and frameworks stand on that and are named after both", () => {
  const tree = treeOf(configOf());
  assert.deepEqual(
    tree.slimPythons.slice(2, 4).map(({ name, parent, builder }) => [name, parent?.name, builder?.name]),
    [
      ["python-3.13-slim-debian-12", "debian-12", "python-3.13-debian-12"],
      ["python-3.12-slim-debian-12", "debian-12", "python-3.12-debian-12"],
    ],
  );
  const [flask] = tree.frameworks;
  assert.equal(flask?.parent, tree.slimPythons[0]);
  assert.equal(flask?.builder, tree.pythons[0]);
  assert.equal(tree.applications[0]?.builder, tree.pythons[1]);

  const full = treeOf(configOf({ variant: "full" }));
  assert.deepEqual(full.slimPythons, []);
  assert.deepEqual(namesOf(full.frameworks), namesOf(tree.frameworks));
  assert.equal(full.frameworks[0]?.parent, full.pythons[0]);
  assert.equal(full.frameworks[0]?.builder, full.pythons[0]);
});

const parentOf = (framework: string) => {
  const applications = [{ ...matrix.applications[0], framework }];
  return treeOf(configOf({ applications })).applications[0]?.parent?.name;
};

test("an application names its layer, or the beginning of its name, and gets the first that fits", () => {
  assert.equal(parentOf("flask"), "flask-3.1-python-3.13-debian-13");
  assert.equal(parentOf("flask-1.1"), "flask-1.1-python-3.12-debian-13");
  assert.equal(parentOf("flask-3.1-python-3.12"), "flask-3.1-python-3.12-debian-13");
  assert.equal(parentOf("flask-3.1-python-3.13-alpine"), "flask-3.1-python-3.13-alpine-3.20");
  assert.equal(parentOf("python"), "python-3.13-slim-debian-13");
  assert.equal(parentOf("python-3.12"), "python-3.12-slim-debian-13");
  assert.equal(parentOf("python-3.13-debian"), "python-3.13-debian-13");
  assert.equal(parentOf("java-21"), "java-21-debian-13");
});

const tagsOf = ({ resources }: Recording) =>
  new Map(
    resources
      .filter(({ type }) => type === "docker-build:index:Image")
      .map(({ name, inputs }) => [
        name,
        (inputs.tags as string[]).map((tag) => tag.replace("localhost:5001/catalog/", "")),
      ]),
  );

test("the program builds the whole tree; long tags say the line, and the first of a version has the short one", async () => {
  // No source that would have to be prepared.
  const image = { image: `base:1@sha256:${sha256}` };
  const systems = matrix.systems.map((system) => ({ ...system, base: image }));
  const tags = tagsOf(await record({ ...dev, values: { ...dev.values, ...matrix, systems } }, "password"));
  const tree = treeOf(configOf({ systems }));
  assert.deepEqual(
    [...tags.keys()].sort(),
    Object.values(tree)
      .flat()
      .map(({ name }) => `${name}-image`)
      .sort(),
  );
  assert.deepEqual(tags.get("python-3.13-debian-13-image"), ["python:3.13.5-debian13", "python:3.13.5"]);
  assert.deepEqual(tags.get("python-3.13-alpine-3.20-image"), ["python:3.13.5-alpine3.20.3"]);
  assert.deepEqual(tags.get("python-3.11-debian-12-image"), ["python:3.11.2-debian12", "python:3.11.2"]);
  assert.deepEqual(tags.get("pyenv-2.7-debian-12-image"), ["pyenv:2.7.1-debian12"]);
  assert.deepEqual(tags.get("flask-1.1-python-3.12-debian-13-image"), [
    "flask:1.1.1-python3.12.11-slim-debian13",
    "flask:1.1.1",
  ]);
  assert.deepEqual(tags.get("debian-12-image"), ["debian:12"]);
  const all = [...tags.values()].flat();
  assert.equal(new Set(all).size, all.length);
});
