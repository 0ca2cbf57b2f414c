import assert from "node:assert/strict";
import { test } from "node:test";
import { RunError } from "@pulumi/pulumi/errors.js";
import fc from "fast-check";
import { inLine } from "../../components/promotion.ts";
import { type Recording, record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const password = "a-password-of-the-tests";
const dev = readStack("dev");
const staging = readStack("staging");
const DEV = "organization/catalog/dev";
const INDEX = "docker-build:index:Index";
const target = "registry.staging.example.com/catalog";

type Images = Record<string, { ref: string; digest: string; tags: string[]; parent: string | null }>;

/** What dev has built, as its outputs say it, with a second Flask. */
const { images } = (await record(dev, password)).outputs as { images: Images };
const flask = images["flask-3.1-python-3.13-debian-13"] as Images[string];
const source: Images = {
  ...images,
  "flask-1.1-python-3.13-debian-13": {
    ...flask,
    ref: flask.ref.replace(/3\.1\.3[^@]*/, "1.1.1"),
    tags: ["1.1.1"],
  },
};
/** What has the compilers stays behind. */
const line = Object.keys(images).filter(
  (name) => !["pyenv-2.7-debian-13", "python-3.13-debian-13"].includes(name),
);

const promoted = (values: object = {}, outputs: Record<string, unknown> = { images: source }) =>
  record({ ...staging, values: { ...staging.values, ...values } }, password, { stacks: { [DEV]: outputs } });
const indexes = ({ resources }: Recording) => resources.filter(({ type }) => type === INDEX);
const recording = await promoted();

test("a promoting stack builds nothing, and has an index for each tag of each image", () => {
  assert.ok(!recording.resources.some(({ type }) => type === "docker-build:index:Image"));
  const expected = Object.values(source).flatMap(({ ref, tags }) =>
    tags.map((tag) => [`${target}/${ref.split("/")[2]?.split(":")[0]}:${tag}`, ref]),
  );
  const made = indexes(recording).map(({ inputs }) => [inputs.tag, ...(inputs.sources as string[])]);
  assert.deepEqual(made.sort(), expected.sort());
});

test("an image is promoted after its parent, its long tag first, and is kept when it is dropped", () => {
  for (const { name, parent, dependsOn, retained, hooks } of indexes(recording)) {
    const below = source[parent as string]?.parent ?? "registry";
    const first = `${parent}-index`;
    const guards = name === first ? ["beforeCreate", "beforeUpdate"] : [];
    assert.deepEqual(hooks, [...guards, "onError"], "short tags move freely");
    assert.deepEqual(dependsOn, [name === first ? below : first], name);
    assert.ok(retained, name);
    const component = recording.resources.find((resource) => resource.name === parent);
    assert.equal(component?.type, "catalog:image:Promoted");
    assert.deepEqual(component.dependsOn, [below]);
  }
});

test("outputs and service have the same digest, in the registry of this stack", () => {
  const outputs = recording.outputs.images as Images;
  for (const [name, { digest, ...image }] of Object.entries(outputs)) {
    assert.equal(digest, source[name]?.digest);
    assert.equal(image.ref, source[name]?.ref.replace("localhost:5001/catalog", target));
    assert.equal(image.parent, source[name]?.parent);
  }
  assert.deepEqual(Object.keys(outputs).sort(), Object.keys(source).sort());
  const container = recording.resources.find(({ name }) => name === "flask-helloworld-service-container");
  assert.equal(container?.inputs.image, outputs["flask-helloworld"]?.ref);
  assert.deepEqual(container?.dependsOn, ["flask-helloworld", "flask-helloworld-service-image"]);
});

test("`only` takes an image and what it stands on", async () => {
  const { outputs } = await promoted({ promote: { from: "dev", only: ["flask-helloworld"] } });
  assert.deepEqual(Object.keys(outputs.images as object).sort(), [...line].sort());
});

test("a stack of another project is named in full", async () => {
  const stacks = { "acme/images/dev": { images: source } };
  const promote = { from: "acme/images/dev", only: ["debian-13"] };
  const values = { ...staging.values, promote, applications: [] };
  const { outputs } = await record({ ...staging, values }, password, { stacks });
  assert.deepEqual(Object.keys(outputs.images as object), ["debian-13"]);
});

const all = Object.keys(source).sort().join(", ");
const none =
  /^promote\.from: the stack dev has no images that could be promoted; `npm run up -- --stack dev` makes them\.$/;
const wrong: [string, object, Record<string, unknown> | undefined, RegExp | string][] = [
  ["a stack without outputs", {}, {}, none],
  ["a stack whose images are none", {}, { images: {} }, none],
  ["a stack of another program", {}, { images: { a: { ref: "a" } } }, none],
  [
    "the stack itself",
    { promote: { from: "staging" } },
    undefined,
    /^promote\.from: found "staging"; another stack than this one is needed\.$/,
  ],
  [
    "an image that is misspelled, and an application that is not there",
    { promote: { from: "dev", only: ["flask-helloword"] }, applications: [{ name: "django-hello" }] },
    undefined,
    `promote.only[0]: found "flask-helloword"; did you mean flask-helloworld? (allowed: ${all})\n` +
      `  - applications[0].name: found "django-hello"; one of ${all} is needed`,
  ],
  [
    "an application that is not among the promoted",
    { promote: { from: "dev", only: ["debian-13"] } },
    undefined,
    'applications[0].name: found "flask-helloworld"; one of debian-13 is needed',
  ],
];

for (const [what, values, outputs, sentence] of wrong) {
  test(`promotion of what is not there: ${what}`, async () => {
    const error = await promoted(values, outputs).then(
      () => assert.fail("the program accepted it"),
      (error: Error) => error,
    );
    assert.ok(RunError.isInstance(error), `${error.stack}`);
    if (typeof sentence === "string") assert.ok(error.message.endsWith(`  - ${sentence}`), error.message);
    else assert.match(error.message, sentence);
  });
}

/** A forest: each image stands on one that was there before it, or on nothing. */
const forest = fc
  .array(fc.option(fc.nat()), { maxLength: 12 })
  .map((below) =>
    Object.fromEntries(
      below
        .map(
          (at, i) => [`image-${i}`, { parent: at === null || i === 0 ? null : `image-${at % i}` }] as const,
        )
        .reverse(),
    ),
  );

test("a choice of images comes with all that they stand on and no more, parents first", () => {
  const choice = forest.chain((images) => fc.tuple(fc.constant(images), fc.subarray(Object.keys(images))));
  fc.assert(
    fc.property(choice, ([images, only]) => {
      const names = inLine(images, only);
      const before = new Set<string>();
      for (const name of names) {
        assert.ok(!before.has(name));
        const parent = images[name]?.parent;
        if (parent) assert.ok(before.has(parent));
        before.add(name);
      }
      const parents = new Set(names.map((name) => images[name]?.parent));
      for (const name of names) assert.ok(only.includes(name) || parents.has(name));
      for (const name of only) assert.ok(before.has(name));
    }),
  );
});
