import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureBuilder } from "../../ground/machine/builder.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { must, run } from "../../ground/tools/exec.ts";
import { pipSettings } from "../../ground/tools/pip.ts";
import { ask, digestOf, type Login, manifestOf } from "../../ground/tools/registry.ts";
import { subjectsOf, testImages } from "../support/subjects.ts";
import { loginOf, Workspace } from "../support/workspace.ts";
import { breakRules } from "./breakages.ts";
import type { Subject } from "./rules/rule.ts";

let workspace: Workspace;

before(async () => {
  await ensureDocker();
  workspace = await Workspace.make((await chooseStack()).name);
});
after(() => workspace?.remove());

test("the chain is built, pushed, run and tested without Pulumi", async (t) => {
  await t.test(
    "`npm run up` on a laptop without Pulumi says so and ends with the service's answer",
    async () => {
      const { code, stdout, stderr } = await workspace.npm(["up", "--stack", workspace.stack], {
        CATALOG_NO_PULUMI: "1",
      });
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      assert.match(stdout, /^! pulumi .*Building without it/m);
      assert.match(stdout, new RegExp(`http://127\\.0\\.0\\.1:${workspace.port}/ {2}→ Hello, World!\\s*$`));
    },
  );

  await t.test("/ and /index answer", async () => {
    for (const path of ["", "index"]) {
      const answer = await fetch(`http://127.0.0.1:${workspace.port}/${path}`);
      assert.equal(await answer.text(), "Hello, World!");
    }
  });

  const login = loginOf(workspace, workspace.read(".catalog/registry-password"));
  const subjects = subjectsOf(workspace);

  await t.test("all layers are in the registry, behind its login", async () => {
    assert.equal(subjects.length, 6);
    for (const { ref } of subjects) {
      const [, repository = "", tag = ""] = /^[^/]+\/(.*):(.*)$/.exec(ref) ?? [];
      assert.match((await digestOf(login, repository, tag)) ?? "", /^sha256:/, ref);
      assert.equal(
        (await ask({ ...login, password: "wrong" }, `/v2/${repository}/manifests/${tag}`)).status,
        401,
      );
    }
    assert.equal((await fetch(`http://${login.address}/v2/`)).status, 401);
  });

  await testImages(t, subjects, login);

  const named = (ref: RegExp) => subjects.find((subject) => ref.test(subject.ref)) ?? assert.fail(`${ref}`);
  const [os, python] = [named(/debian:13$/), named(/python:3\.13\.5-debian13$/)];
  const [slim, application] = [named(/-slim-debian13$/), named(/flask-helloworld:/)];

  await t.test("what runs is small, on disk and compressed", async () => {
    const [system, interpreter, whole] = await Promise.all(
      [os, slim, application].map((of) => sizeOf(of, login)),
    );
    assert.ok(system && interpreter && whole);
    assert.ok(system.disk <= 100e6, `${os.ref}: ${system.disk} bytes on disk`);
    const added = [interpreter.disk - system.disk, interpreter.compressed - system.compressed];
    // What the official python:3.14-slim adds to its Debian.
    assert.ok(
      (added[0] as number) <= 41e6 && (added[1] as number) <= 13.7e6,
      `${slim.ref}: adds ${added} bytes`,
    );
    const bare = await sizeWithoutTools(workspace);
    assert.ok(bare <= 79e6, `${os.ref} without tools: ${bare} bytes on disk`);
    const { disk, compressed } = whole;
    assert.ok(disk <= 160e6 && compressed <= 58e6, `${application.ref}: ${disk}, ${compressed} bytes`);
  });

  await t.test(
    "a package with C is compiled on the full Python, and refused on the slim one for that",
    async () => {
      assert.equal(await installWithC(python), "42");
      assert.match(await installWithC(slim), /^ *error: .*No such file or directory: '\S*cc'$/m);
    },
  );

  await breakRules(t, application, "*", "debian", "python", "python-slim", "flask", "flask-helloworld");
  await breakRules(t, python, "pyenv");

  await t.test("`npm run down` leaves nothing", async () => {
    const { code, stdout, stderr } = await workspace.npm(["down", "--stack", workspace.stack]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.deepEqual(await workspace.leftovers(), []);
  });
});

/** The bytes of an image, unpacked and as its registry keeps it. */
async function sizeOf({ ref }: Subject, login: Login): Promise<{ disk: number; compressed: number }> {
  const { stdout } = await must("docker", ["image", "inspect", "--format", "{{.Size}}", ref]);
  const [, repository = "", tag = ""] = /^[^/]+\/(.*):(.*)$/.exec(ref) ?? [];
  const { size = Number.NaN } = (await manifestOf(login, repository, tag)) ?? {};
  return { disk: Number(stdout), compressed: size };
}

/** The bytes on disk of the operating system with an empty list of tools. */
async function sizeWithoutTools(workspace: Workspace): Promise<number> {
  const { name: builder, buildx } = await ensureBuilder("catalog");
  const [command = "", ...args] = buildx;
  const image = `${workspace.stack}/without-tools`;
  const set = ["args.PACKAGES=", `tags=${image}`, "output=type=docker,rewrite-timestamp=true"];
  const options = set.flatMap((value) => ["--set", `debian-13.${value}`]);
  const bake = ["bake", "--file=docker-bake.json", `--builder=${builder}`, ...options, "debian-13"];
  await must(command, [...args, ...bake], { cwd: workspace.folder });
  const { stdout } = await must("docker", ["image", "inspect", "--format", "{{.Size}}", image]);
  await must("docker", ["image", "rm", image]);
  return Number(stdout);
}

/** Installs a package that has to be compiled, by pip as this machine has it set up. @returns what the package says, or pip. */
async function installWithC({ ref }: Subject): Promise<string> {
  const { "index-url": index, cert } = await pipSettings();
  const options = [
    ...(index ? ["--env", `PIP_INDEX_URL=${index}`] : []),
    ...(cert ? ["--volume", `${cert}:/tmp/ca.pem:ro`, "--env", "PIP_CERT=/tmp/ca.pem"] : []),
  ];
  const script = `mkdir /tmp/answer && cd /tmp/answer
cat >setup.py <<'EOF'
from setuptools import Extension, setup
setup(name="answer", version="1", ext_modules=[Extension("answer", ["answer.c"])])
EOF
cat >answer.c <<'EOF'
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "answer", "", -1, methods};
PyMODINIT_FUNC PyInit_answer(void) { return PyModule_Create(&module); }
EOF
pip install --quiet --disable-pip-version-check . 2>&1 || exit 1
cd / && python -c 'import answer; print(answer.answer())'`;
  const { stdout } = await run("docker", ["run", "--rm", ...options, ref, "sh", "-c", script]);
  return stdout.trim();
}
