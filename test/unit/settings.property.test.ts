import assert from "node:assert/strict";
import { test } from "node:test";
import { RunError } from "@pulumi/pulumi/errors.js";
import fc from "fast-check";
import { keysOf } from "../../components/schema.ts";
import { parseConfig, settingNames, settings } from "../../components/settings.ts";
import { record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

type Values = Record<string, unknown>;

const dev = readStack("dev");
const sha256 = "0".repeat(64);
const git = { git: "https://git.example.com/a.git", commit: "0".repeat(40) };
const some = <T = unknown>(...values: T[]) => fc.constantFrom(...values);
const optional = <T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(shape, { requiredKeys: [] });

/** One of the right values, now and then the wrong one. */
const mostly = <T = unknown>(right: T[], wrong: T) =>
  fc.oneof({ weight: 30, arbitrary: some(...right) }, { weight: 1, arbitrary: some(wrong) });

/** Some layers that an item is built on; most items say none. */
const on = (...names: string[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.uniqueArray(some(...names)) },
  );

/** Settings as people write them: mostly right, each now and then wrong or contradicting another. */
const nearlyValid: fc.Arbitrary<Values> = optional<Values>({
  namespace: mostly(["catalog", "platform/catalog"], "Catalog"),
  parallel: mostly([0, 256], -1),
  registry: optional<Values>({
    embedded: mostly([true], false),
    address: mostly(["localhost:5001", "127.0.0.1:5002"], "registry.example.com"),
    username: some("robot", "catalog"),
  }),
  protect: mostly<unknown>([true, false], "yes"),
  systems: fc.uniqueArray(
    fc.record<Values>(
      {
        name: mostly(["debian", "alpine"], "debain"),
        version: mostly(["13", 12, "3.20.3"], ""),
        revision: mostly<unknown>([1, 2], 0),
        packages: fc.uniqueArray(some("curl", "bind-tools", "ca-certificates")),
        base: mostly<unknown>([{ image: `a:1@sha256:${sha256}` }], { mmdebstrap: "sid" }),
        archive: some("https://mirror.example.com/debian"),
      },
      { requiredKeys: ["name", "version", "base"] },
    ),
    { minLength: 1, maxLength: 3, selector: ({ name, version }) => `${name} ${version}` },
  ),
  pyenvs: fc.uniqueArray(
    fc.record<Values>(
      {
        version: mostly(["2.7.1", "2.5.4"], "2.7"),
        source: mostly<unknown>([git, { folder: "images/flask" }], { git: git.git }),
        virtualenv: some({ version: "1.2.6", source: git }),
        on: on("debian", "debian-13", "alpine"),
      },
      { requiredKeys: ["version", "source"] },
    ),
    { minLength: 1, maxLength: 2, selector: ({ version }) => version },
  ),
  pythons: fc.uniqueArray(
    fc.record<Values>(
      {
        version: mostly<unknown>(["3.13.5", "3.12.11", "3.12.10", "3.11.2"], 3.13),
        sha256: some(sha256),
        on: on("debian", "pyenv-2.5", "alpine-3.20"),
      },
      { requiredKeys: ["version", "sha256"] },
    ),
    { minLength: 1, maxLength: 3, selector: ({ version }) => version },
  ),
  javas: fc.uniqueArray(
    fc.record<Values>(
      { version: mostly(["21", 25, "25"], "21.0.5"), on: on("alpine", "debian-12") },
      { requiredKeys: ["version"] },
    ),
    {
      maxLength: 2,
      selector: ({ version }) => version,
    },
  ),
  frameworks: fc.uniqueArray(
    fc.record<Values>(
      {
        name: mostly(["flask"], "flsk"),
        version: mostly(["3.1.3", "1.1.1"], "9.9.9"),
        revision: mostly<unknown>([1, 2], "2"),
        on: on("python-3.13", "python-3.12-debian", "alpine"),
      },
      { requiredKeys: ["name", "version"] },
    ),
    { minLength: 1, maxLength: 2, selector: ({ version }) => version },
  ),
  applications: fc.uniqueArray(
    fc.record<Values>(
      {
        name: some("flask-helloworld", "java-helloworld"),
        version: some("1.0.0", "1.0.1"),
        framework: mostly(["flask", "flask-3.1", "python"], "java-21"),
        args: some({}, { FLASK_APP: "app.py" }),
        publish: fc.integer({ min: 4990, max: 5010 }),
        memory: some(64, 256),
      },
      { requiredKeys: ["name", "version", "framework"] },
    ),
    { maxLength: 2, selector: ({ name }) => name },
  ),
  sources: optional<Values>({
    cpython: mostly<unknown>([{ url: "https://example.com/{version}.tar.xz" }], { debianSource: "sid" }),
    pypi: mostly(["https://pypi.example.com/simple"], "https://robot:hunter2@pypi.example.com/simple"),
    application: mostly<unknown>([{}], { "flask-helloword": git }),
    ca: mostly(["package.json", "images"], "nowhere"),
  }),
}).map((values) => ({ ...dev.values, ...values }));

/** Any JSON, often under names that settings and sources have. */
const names = fc.oneof(some(...settingNames.all), some(...keysOf(settings.sources as never)), fc.string());
const anyJson: fc.Arbitrary<Values> = fc
  .dictionary(
    names,
    fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.dictionary(names, fc.jsonValue({ maxDepth: 2 }))),
  )
  .chain((values) => some(values, { ...dev.values, ...values }));

/** Bounded by time: on a slow machine there are fewer runs, never a slower suite. */
const within = (seconds: number, numRuns: number) => ({ numRuns, interruptAfterTimeLimit: seconds * 1000 });

/** Checks the configuration, and that the program makes a catalog of it, which it answers, or says why not. */
async function check(values: Values): Promise<boolean> {
  const { config, problems } = parseConfig(values);
  for (const problem of problems) {
    assert.match(problem, /\S/);
    assert.doesNotMatch(problem, /\n\s*at |hunter2|Invalid input|\[object|undefined/);
  }
  assert.equal(config === undefined, problems.length > 0);
  try {
    const { resources } = await record({ ...dev, values }, "password");
    assert.ok(resources.some(({ type }) => type === "docker-build:index:Image"));
    return true;
  } catch (error) {
    assert.ok(RunError.isInstance(error), `${(error as Error).stack}`);
    assert.doesNotMatch(error.message, /\n\s*at |hunter2/);
    return false;
  }
}

test("nearly valid settings make a catalog, or are answered with sentences", async () => {
  let catalogs = 0;
  const property = fc.asyncProperty(nearlyValid, async (values) => {
    if (await check(values)) catalogs += 1;
  });
  await fc.assert(property, within(4, 100));
  assert.ok(catalogs > 0);
});

test("any JSON is answered with sentences", async () => {
  await fc.assert(
    fc.property(anyJson, (values) => {
      const { config, problems } = parseConfig(values);
      assert.equal(config === undefined, problems.length > 0);
      for (const problem of problems) assert.match(problem, /\S/);
    }),
    within(2, 2000),
  );
});

test("any JSON as a stack's configuration ends in a catalog or a RunError", async () => {
  await fc.assert(
    fc.asyncProperty(anyJson, async (values) => void (await check(values))),
    within(2, 60),
  );
});
