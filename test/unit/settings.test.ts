import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { parseConfig, settingNames } from "../../components/settings.ts";
import { readStack, stackNames } from "../../ground/program/stack.ts";

const { values } = readStack("dev");
const sha = "0".repeat(64);

const wrong: [string, Record<string, unknown>, RegExp][] = [
  [
    "a Python without patch version",
    { pythons: [{ version: 3.13, sha256: sha }] },
    /^pythons\[0\]\.version: found 3\.13; a full version is needed, for example 3\.13\.5$/,
  ],
  [
    "a Python without checksum",
    { pythons: [{ version: "3.13.5" }] },
    /^pythons\[0\]\.sha256: missing; a sha256/,
  ],
  ["no Python", { pythons: [] }, /^pythons: found \[\]; at least one Python is needed$/],
  [
    "two Pythons of a series",
    {
      pythons: [
        { version: "3.13.5", sha256: sha },
        { version: "3.13.6", sha256: sha },
      ],
    },
    /^pythons: 3\.13 is there twice/,
  ],
  [
    "an unknown operating system",
    { os: "debain" },
    /^os: found "debain"; did you mean debian\? \(allowed: alpine, debian\)$/,
  ],
  [
    "an unknown key",
    { sources: { pipy: "https://x.example.com" } },
    /^sources: unknown key pipy; did you mean pypi\?/,
  ],
  ["an unknown setting", { pythonz: [] }, /^unknown key pythonz; did you mean pythons\?/],
  [
    "a framework without lock",
    { frameworks: [{ name: "flask", version: "3.9.9" }] },
    /images\/flask\/3\.9\.9\/requirements\.txt is needed \(versions there: 1\.1\.1, 3\.1\.3\)/,
  ],
  [
    "an application on no framework",
    { applications: [{ name: "flask-helloworld", version: "1.0.0", framework: "django" }] },
    /^applications\[0\]\.framework: found "django"; one of flask is needed$/,
  ],
  ["a base image by tag only", { sources: { base: { image: "debian:13-slim" } } }, /^sources\.base.*needed/],
  [
    "a short commit",
    { sources: { pyenv: { git: "https://git.example.com/p.git", commit: "4518092" } } },
    /^sources\.pyenv.*needed/,
  ],
  [
    "an embedded registry elsewhere",
    { registry: { address: "registry.example.com" } },
    /^registry\.address: found "registry\.example\.com"; an embedded registry is on this machine's loopback/,
  ],
  [
    "a registry with a scheme",
    { registry: { embedded: false, address: "https://registry.example.com" } },
    /^registry\.address: found "https:.*host or host:port, without a scheme/,
  ],
  [
    "a port that is none",
    {
      applications: [{ name: "flask-helloworld", version: "1.0.0", framework: "flask", publish: 70000 }],
    },
    /^applications\[0\]\.publish: found 70000/,
  ],
  [
    "a namespace in capitals",
    { namespace: "Catalog" },
    /^namespace: found "Catalog"; a lower-case name is needed/,
  ],
];

for (const [what, change, message] of wrong) {
  test(`wrong configuration: ${what}`, () => {
    const { config, problems } = parseConfig({ ...values, ...change });
    assert.equal(config, undefined);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] as string, message);
  });
}

test("all problems are reported at once", () => {
  const { problems } = parseConfig({ ...values, os: "debain", pyenv: "2.5", namespace: "" });
  assert.deepEqual(problems.map((problem) => problem.split(":")[0]).sort(), ["namespace", "os", "pyenv"]);
});

test("every stack file of the project is valid", () => {
  for (const name of stackNames()) assert.ok(readStack(name).config, name);
});

test("Pulumi.yaml declares every setting with type and description, and with a default but for the password", () => {
  const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
    config: Record<string, Record<string, unknown>>;
  };
  assert.deepEqual(Object.keys(config).sort(), [...settingNames.all, "registryPassword"].sort());
  for (const [name, { type, description, default: value }] of Object.entries(config)) {
    assert.ok(type && description, name);
    assert.equal(value === undefined, name === "registryPassword", name);
    assert.equal(type === "array" || type === "object", settingNames.structured.has(name), name);
  }
});
