/** That Renovate would find what is pinned: its custom managers, run over the files that they are for. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { registryImage } from "../../ground/machine/registryImage.ts";
import { pinnedIn } from "../../ground/outdated/files.ts";
import { dependencies, filesOf, renovate } from "../support/renovate.ts";

/** Settings that hold a version, and that no bot may change, by their paths. */
const ours: readonly [path: RegExp, why: string][] = [
  [/^applications\[\d+\]\.version$/, "the application's own version, which its people give"],
  [/sha256$/, "a checksum, which only the file itself tells: the pull request says so"],
  [/^registry\.address$|\.address$/, "an address"],
  [/\.on\[\d+\]$|\.framework$/, "the name of a layer"],
];

/** Every version, tag, digest and commit of a configuration. */
function pinned(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((each, i) => pinned(each, `${path}[${i}]`));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, each]) => pinned(each, path ? `${path}.${key}` : key));
  }
  const text = String(value);
  const isVersion = /\.version$|ersion$/.test(path) || /\d\.\d|[0-9a-f]{40}/.test(text);
  if (!isVersion || text === registryImage || ours.some(([pattern]) => pattern.test(path))) return [];
  const image = /:([^:@]+)@(sha256:.+)$/.exec(text);
  return image ? image.slice(1) : [text];
}

/** The settings of a stack's file, or the defaults of the project's. */
function settingsOf(text: string): Record<string, unknown> {
  const { config } = parse(text) as { config: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      const setting = value as { default?: unknown; description?: string };
      return key.includes(":") ? [key.slice(key.indexOf(":") + 1), value] : [key, setting.default];
    }),
  );
}

const found = (file: string, text: string) =>
  dependencies(file, text).flatMap(({ currentValue, currentDigest }) =>
    [currentValue, currentDigest].filter((each) => each !== undefined),
  );

for (const file of globSync("Pulumi*.yaml").sort()) {
  test(`everything that is pinned in ${file} is found, exactly once`, () => {
    const text = readFileSync(file, "utf8");
    assert.deepEqual(found(file, text).sort(), pinned(settingsOf(text)).sort());
  });
}

const commit = (digit: string) => `c0ffee${digit.repeat(34)}`;
const sum = (digit: string) => digit.repeat(64);
/** Every kind of source, on a line and on several, with quotes and without. */
const everything = `
config:
  catalog:registry: { image: "registry.example.com:5000/registry:3@sha256:${sum("1")}" }
  catalog:systems:
    - { name: debian, version: "13", packages: [curl], base: { image: "debian:13-slim@sha256:${sum("2")}" } }
    - {name: alpine, version: 3.22.1, packages: [], base: {image: 'alpine:3.22.1@sha256:${sum("3")}'}}
    - { name: debian, version: "12", packages: [curl], base: { mmdebstrap: bookworm } }
  catalog:pyenvs:
    - version: 2.7.1
      source: { git: https://git.example.com/pyenv.git, commit: ${commit("4")} }
      virtualenv: { version: 1.2.6, source: { git: https://git.example.com/virtualenv.git, commit: ${commit("5")} } }
    - version: 2.5.4
      source: { debianPackages: [{ name: pyenv, version: 2.5.4-1, sha256: ${sum("6")} }], suite: trixie, path: usr/share/pyenv }
    - version: 2.6.0
      source:
        debianPackages:
          - { name: pyenv, version: 2.6.0-2, sha256: ${sum("6")} }
          - name: pyenv-runtime
            version: 2.6.0-3
            sha256: ${sum("6")}
        suite: sid
        path: usr/share/pyenv
      virtualenv:
        version: 1.2.5
        source:
          git: https://git.example.com/virtualenv.git
          commit: ${commit("7")}
  catalog:pythons: [{ version: 3.13.5, sha256: ${sum("8")} }, {version: 3.12.11, sha256: ${sum("9")}, on: [debian-13]}]
  catalog:javas: [{ version: "21" }, {version: 25, on: [debian]}]
  catalog:frameworks:
    - { name: flask, version: 3.1.3 }
    - {name: bottle, version: "0.13"}
    - { name: ansible, version: 2.21.5, on: [python-3.13] }
  catalog:applications:
    - { name: flask-helloworld, version: 1.0.0, framework: flask, args: { FLASK_APP: microblog.py }, publish: 5013 }
  catalog:sources:
    cpython: { debianSource: trixie }
    application:
      flask-helloworld: { git: https://git.example.com/microblog.git, commit: ${commit("a")} }
      own: { folder: ../own }
      django-hello:
        git: https://git.example.com/hello.git
        commit: ${commit("b")}
    ca: /usr/local/share/ca-certificates
`;

test("every kind of source is found, exactly once", () => {
  const expected = pinned(settingsOf(everything));
  assert.ok(expected.length > 20, `${expected}`);
  assert.deepEqual(found("Pulumi.all.yaml", everything).sort(), expected.sort());
});

test("a revision beside a version changes nothing of what is found", () => {
  const revised = everything
    .replace(/(\{ ?(?:name: \w+, )?version: "?[\d.]+"?)(?=[ ,}])/g, "$1, revision: 2")
    .replace(/^( +)- version: .*$/gm, "$&\n$1  revision: 2");
  const lists = settingsOf(revised) as Record<string, { revision?: number }[]>;
  for (const list of ["systems", "pyenvs", "pythons", "javas", "frameworks"])
    assert.ok(
      lists[list]?.every(({ revision }) => revision === 2),
      list,
    );
  assert.deepEqual(found("Pulumi.all.yaml", revised), found("Pulumi.all.yaml", everything));
});

test("every image with a digest in the components, and every tool of the ground, is found", () => {
  for (const file of globSync("components/*.ts")) {
    const text = readFileSync(file, "utf8");
    const digests = text.match(/sha256:[0-9a-f]{64}/g) ?? [];
    assert.deepEqual(
      dependencies(file, text).map(({ currentDigest }) => currentDigest),
      digests,
      file,
    );
  }
  const file = "ground/tools/versions.ts";
  const text = readFileSync(file, "utf8");
  const constants = [...text.matchAll(/^export const \w+ = "(.+)";$/gm)].map(([, version]) => version);
  assert.ok(constants.length > 0);
  assert.deepEqual(found(file, text), constants);
});

test("every lock says the command that Renovate runs to make it again", () => {
  assert.ok(renovate.enabledManagers.includes("pip-compile"));
  const locks = renovate["pip-compile"].managerFilePatterns.flatMap(filesOf);
  assert.deepEqual(locks.sort(), globSync("images/**/requirements.txt").sort());
  // What its manager pip-compile takes of uv, of the options that are in use here.
  const command =
    /^#.*\n# {4}uv pip compile( --universal| --generate-hashes| --python-version=[\d.]+| requirements\.in| --output-file=requirements\.txt)+\n/;
  for (const lock of locks) assert.match(readFileSync(lock, "utf8"), command, lock);
});

test("a framework's own version is bumped in the stack file, not in the folder that is named for it", () => {
  const kept = renovate.packageRules
    .filter(({ matchManagers, enabled }) => matchManagers?.includes("pip-compile") && enabled === false)
    .flatMap(({ matchPackageNames = [] }) => matchPackageNames);
  const packageOf = (name: string) =>
    renovate.packageRules.find(({ matchDepNames }) => matchDepNames?.includes(name))?.overridePackageName ??
    name;
  const main = globSync("images/*/*/requirements.in").map((file) => {
    const [name, version] = [basename(dirname(dirname(file))), basename(dirname(file))];
    const requirement = pinnedIn(file).find(([, pinned]) => pinned === version)?.[0];
    assert.equal(requirement, packageOf(name), `the package that ${file} pins to the folder's version`);
    return requirement;
  });
  assert.deepEqual([...new Set(main)].sort(), [...kept].sort());
});

test("a Dockerfile has no version but one that Renovate finds", () => {
  assert.ok(renovate.enabledManagers.includes("dockerfile"));
  for (const file of globSync("images/**/Dockerfile")) {
    const lines = readFileSync(file, "utf8").split("\n");
    lines.forEach((line, i) => {
      if (!/^(ARG|ENV)\s+\w*VERSION=\S*\d/.test(line)) return;
      assert.match(lines[i - 1] ?? "", /^# renovate: datasource=\S+ depName=\S+/, `${file}: ${line}`);
    });
  }
});

test("no expression needs what RE2 has not, with which Renovate's own service runs them", () => {
  for (const pattern of renovate.customManagers.flatMap(({ matchStrings }) => matchStrings)) {
    assert.doesNotMatch(pattern, /\(\?<?[=!]|\\\d|\\k</);
  }
});
