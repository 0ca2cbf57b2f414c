import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../components/settings.ts";
import { type Recording, record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const dev = readStack("dev");
const helloworld = { name: "java-helloworld", version: "1.0.0", framework: "java", publish: 5002 };
const settings = {
  javas: [{ version: "21" }, { version: 25 }],
  applications: [...(dev.values.applications as object[]), helloworld],
};
const withValues = (values: object) => record({ ...dev, values: { ...dev.values, ...values } }, "password");
const recording = await withValues(settings);

const named = ({ resources }: Recording, name: string) => {
  const found = resources.find((resource) => resource.name === name);
  assert.ok(found, `${name} is not registered`);
  return found;
};
const inputsOf = (layer: string, from = recording) =>
  named(from, `${layer}-image`).inputs as {
    tags: string[];
    labels: Record<string, string>;
    buildArgs: Record<string, string>;
  };

test("a Java is a component on the operating system, and depends on it", () => {
  for (const layer of ["java-21-debian-13", "java-25-debian-13"]) {
    assert.equal(named(recording, layer).type, "catalog:image:Java");
    assert.deepEqual(named(recording, layer).dependsOn, ["debian-13"]);
    assert.deepEqual(named(recording, `${layer}-image`).dependsOn, ["debian-13"]);
    assert.match(inputsOf(layer).buildArgs.PARENT as string, /@sha256:recorded-debian-13-image$/);
  }
});

test("two Javas stand side by side, each with tags and label of its own", () => {
  for (const version of ["21", "25"]) {
    const { tags, labels, buildArgs } = inputsOf(`java-${version}-debian-13`);
    assert.deepEqual(tags, [
      `localhost:5001/catalog/java:${version}-debian13`,
      `localhost:5001/catalog/java:${version}`,
    ]);
    assert.equal(labels["catalog.java.version"], version);
    assert.equal(labels["org.opencontainers.image.base.name"], "debian:13");
    assert.equal(buildArgs.JAVA_VERSION, version);
  }
});

test("an application is built from the first Java, or from the one that it names", async () => {
  assert.deepEqual(named(recording, "java-helloworld").dependsOn, ["java-21-debian-13"]);
  assert.deepEqual(inputsOf("java-helloworld").tags, [
    "localhost:5001/catalog/java-helloworld:1.0.0-java21-debian13",
    "localhost:5001/catalog/java-helloworld:1.0.0",
  ]);
  const other = await withValues({ ...settings, applications: [{ ...helloworld, framework: "java-25" }] });
  assert.deepEqual(named(other, "java-helloworld").dependsOn, ["java-25-debian-13"]);
  assert.match(
    inputsOf("java-helloworld", other).buildArgs.PARENT as string,
    /recorded-java-25-debian-13-image$/,
  );
  assert.equal(
    inputsOf("java-helloworld", other).tags[0],
    "localhost:5001/catalog/java-helloworld:1.0.0-java25-debian13",
  );
});

test("the mirror of Maven's repository reaches the applications on Java, and no others", async () => {
  const maven = "https://maven.example.com/public";
  const mirrored = await withValues({ ...settings, sources: { maven } });
  assert.equal(inputsOf("java-helloworld", mirrored).buildArgs.MAVEN_MIRROR, maven);
  assert.equal(inputsOf("java-helloworld").buildArgs.MAVEN_MIRROR, "");
  assert.ok(!("MAVEN_MIRROR" in inputsOf("flask-helloworld", mirrored).buildArgs));
});

test("Javas change nothing in the layers that are not theirs", async () => {
  const without = await record(dev, "password");
  assert.ok(!without.resources.some(({ type }) => type === "catalog:image:Java"));
  for (const resource of without.resources.filter(({ type }) => type === "docker-build:index:Image")) {
    assert.deepEqual(named(recording, resource.name), resource);
  }
});

const wrong: [string, Record<string, unknown>, RegExp][] = [
  ["a full version", { javas: [{ version: "21.0.5" }] }, /^javas\[0\]\.version: found "21\.0\.5"; a feature/],
  ["one Java twice", { javas: [{ version: "21" }, { version: 21 }] }, /^javas: 21 is there twice/],
  [
    "an application on a Java that is not there",
    { javas: [{ version: "21" }], applications: [{ ...helloworld, framework: "java-25" }] },
    /^applications\[0\]\.framework: found "java-25"; did you mean java-21\? \(allowed: flask, flask-3\.1, java, java-21, python, python-3\.13\)$/,
  ],
  [
    "an application on Java without a Java",
    { applications: [helloworld] },
    /^applications\[0\]\.framework: found "java"; one of flask, flask-3\.1, python, python-3\.13 is needed$/,
  ],
];
for (const [what, change, message] of wrong) {
  test(`wrong configuration: ${what}`, () => {
    const { problems } = parseConfig({ ...dev.values, ...change });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] as string, message);
  });
}
