import assert from "node:assert/strict";
import { test } from "node:test";
import { record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const { resources } = await record(readStack("article"), "password");
const inputsOf = (name: string) => {
  const found = resources.find((resource) => resource.name === name);
  assert.ok(found, `${name} is not registered`);
  return found.inputs as {
    tags: string[];
    labels: Record<string, string>;
    buildArgs: Record<string, string>;
    context: { named: Record<string, { location: string }> };
  };
};

const images = [
  ["alpine-3.10-image", "alpine:3.10.2", { alpine: "3.10.2" }],
  ["pyenv-1.2-alpine-3.10-image", "pyenv:1.2.14", { pyenv: "1.2.14", "pyenv-virtualenv": "1.1.5" }],
  ["python-3.7-alpine-3.10-image", "python:3.7.4", { python: "3.7.4" }],
  ["flask-1.1-python-3.7-alpine-3.10-image", "flask:1.1.1", { flask: "1.1.1" }],
  ["flask-helloworld-image", "flask-helloworld:1.0.0", { "flask-helloworld": "1.0.0" }],
] as const;

for (const [name, tag, versions] of images) {
  test(`the article's ${tag} with its labels`, () => {
    const { tags, labels } = inputsOf(name);
    assert.ok(tags.includes(`localhost:5003/catalog/${tag}`), `${tags}`);
    for (const [tool, version] of Object.entries(versions)) {
      assert.equal(labels[`catalog.${tool}.version`], version);
    }
    assert.ok(labels["catalog.repository.url"]);
    assert.equal(labels["catalog.repository.tag"], tags[0]?.split(":").at(-1));
  });
}

test("the article's user, sources and application", () => {
  assert.equal(inputsOf("alpine-3.10-image").buildArgs.USER_NAME, "alpine");
  assert.match(
    inputsOf("alpine-3.10-image").context.named.base?.location as string,
    /^docker-image:\/\/alpine:3\.10\.2@sha256:[0-9a-f]{64}$/,
  );
  assert.match(
    inputsOf("pyenv-1.2-alpine-3.10-image").context.named["pyenv-source"]?.location as string,
    /pyenv\.git#d6d6bc8bb08b/,
  );
  assert.equal(
    inputsOf("python-3.7-alpine-3.10-image").buildArgs.CPYTHON_URL,
    "https://www.python.org/ftp/python/3.7.4/Python-3.7.4.tar.xz",
  );
  const { buildArgs, context } = inputsOf("flask-helloworld-image");
  assert.equal(buildArgs.FLASK_APP, "microblog.py");
  assert.equal(buildArgs.PORT, "5000");
  assert.match(
    context.named.application?.location as string,
    /microblog\.git#23b3fc85d407f8c68c95efd8a29dd053467708c5$/,
  );
});
