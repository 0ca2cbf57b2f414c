import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { ensureDocker } from "../../ground/machine/docker.ts";
import type { Images } from "../../ground/program/sizes.ts";
import { digestOf } from "../../ground/tools/registry.ts";
import { previewed, select, noEngine as skip, updated } from "../support/engine.ts";
import { type ImageServer, serveImage } from "../support/imageServer.ts";
import { makeStandIns, pyenv, python } from "../support/standIns.ts";
import { loginOf, type Workspace } from "../support/workspace.ts";

const service = [
  "flask-helloworld-image",
  "flask-helloworld-service-container",
  "flask-helloworld-service-image",
];
const fromFlask = ["flask-3.1-python-3.13-debian-13-image", ...service];
const fromPython = [...fromFlask, "python-3.13-debian-13-image", "python-3.13-slim-debian-13-image"];
const fromPyenv = [...fromPython, "pyenv-2.5-debian-13-image"];
const all = ["debian-13-image", ...fromPyenv].sort();
const second = [
  "flask-3.1-python-3.12-debian-13-image",
  "python-3.12-debian-13-image",
  "python-3.12-slim-debian-13-image",
];

interface Row {
  readonly change: string;
  readonly make: (workspace: Workspace) => void;
  /** What preview lists. */
  readonly previewed: string[];
  /** What `up` touches; default: all that was listed. */
  readonly updated?: string[];
}

const set = (settings: Record<string, unknown>) => (workspace: Workspace) =>
  workspace.configure((config) => ({ ...config, ...settings }));

const setSystem = (settings: Record<string, unknown>) => (workspace: Workspace) =>
  workspace.configure((config) => {
    const [system] = config["catalog:systems"] as object[];
    return { ...config, "catalog:systems": [{ ...system, ...settings }] };
  });

const rows: Row[] = [
  { change: "nothing", make: () => {}, previewed: [] },
  {
    change: "a tool of the operating system",
    make: setSystem({ packages: ["curl", "less"] }),
    previewed: all,
  },
  {
    change: "pyenv 2.5.4 → 2.5.5, of which nothing is in the slim Python",
    make: set({ "catalog:pyenvs": [pyenv("2.5.5")] }),
    previewed: fromPyenv,
    updated: fromPyenv.filter((name) => !name.startsWith("flask-helloworld-service-")),
  },
  {
    change: "CPython 3.13.5 → 3.13.15",
    make: set({ "catalog:pythons": [python("3.13.15")] }),
    previewed: fromPython,
  },
  {
    change: "a second Python",
    make: set({ "catalog:pythons": [python("3.13.15"), python("3.12.11")] }),
    previewed: second,
  },
  {
    change: "the second Python removed",
    make: set({ "catalog:pythons": [python("3.13.15")] }),
    previewed: second,
  },
  {
    change: "a requirement",
    make: (w) => w.edit("images/flask/3.1.3/requirements.txt", "blinker==", "# one\nblinker=="),
    previewed: fromFlask,
  },
  {
    change: "one line of the application",
    make: (w) => w.edit("images/flask-helloworld/app/helloworld.py", "Hello", "Goodbye"),
    previewed: service,
  },
  {
    change: "a comment in a Dockerfile",
    make: (w) =>
      w.edit("images/python/Dockerfile", "ARG PYTHON_VERSION", "# The version.\nARG PYTHON_VERSION"),
    previewed: fromPython,
    updated: ["python-3.13-debian-13-image"],
  },
  { change: "a label", make: set({ "catalog:labels": { vendor: "Other" } }), previewed: all },
  {
    change: "the order of keys in the stack file",
    make: (w) => w.configure((config) => Object.fromEntries(Object.entries(config).reverse())),
    previewed: [],
  },
];

let workspace: Workspace;
let stack: Stack;

before(async () => {
  if (skip) return;
  await ensureDocker();
  workspace = await makeStandIns({
    pythons: [python("3.13.5")],
    frameworks: [{ name: "flask", version: "3.1.3" }],
  });
  const { code, stdout, stderr } = await workspace.npm(["up", "--stack", workspace.stack, "--engine"]);
  // The service sleeps and answers nothing: everything else has to be there.
  assert.match(stdout, /23 created/, `${code} ${stdout}\n${stderr}`);
  stack = await select(workspace);
});
after(() => workspace?.remove());

test("a preview lists what `up` may touch, and `up` touches no more", { skip }, async (t) => {
  for (const { change, make, previewed: expected, updated: touched = expected } of rows) {
    await t.test(change, async () => {
      make(workspace);
      assert.deepEqual(await previewed(stack), [...expected].sort());
      assert.deepEqual(await updated(stack), [...touched].sort());
      // Where nothing was touched, the preview above has said so already.
      if (expected.length > 0) assert.deepEqual(await previewed(stack), []);
    });
  }
});

test("a version that was removed stays in the registry", { skip }, async () => {
  const { value: password } = await stack.getConfig("registryPassword");
  for (const [image, tag] of [
    ["python", "3.12.11-debian13"],
    ["flask", "3.1.3-python3.12.11-slim-debian13"],
  ] as const) {
    assert.match(
      (await digestOf(loginOf(workspace, password), `catalog/${image}`, tag)) ?? "none",
      /^sha256:/,
    );
  }
});

test("a preview follows the base image", { skip }, async (t) => {
  const server = await serveDebian();
  t.after(server.stop);
  const pin = () => setSystem({ base: { image: server.reference() } })(workspace);
  pin();
  assert.deepEqual(await updated(stack), all);

  await t.test("base digest moved", async () => {
    server.move();
    const said: string[] = [];
    assert.deepEqual(await previewed(stack, said), all);
    assert.match(said.join("\n"), /^info.*: .*localhost:\d+\/base:1 has moved from [0-9a-f]{12} to /m);
    assert.deepEqual(await updated(stack), all);
    assert.deepEqual(await previewed(stack), []);
  });

  server.stop();
  const silent = /^warning: .*Whether localhost:\d+\/base:1 has moved is not known: .*pinned digest is kept/m;

  await t.test("its registry does not answer: the way back to the pin", async () => {
    const said: string[] = [];
    assert.deepEqual(await previewed(stack, said), all);
    assert.match(said.join("\n"), silent);
  });

  await t.test("its registry does not answer, and the pin is what was built on: nothing", async () => {
    pin();
    const said: string[] = [];
    assert.deepEqual(await previewed(stack, said), []);
    assert.match(said.join("\n"), silent);
  });
});

/** A registry with the image that the stack has built for its operating system. */
async function serveDebian(): Promise<ImageServer> {
  const { value: password } = await stack.getConfig("registryPassword");
  const { images = { value: {} } } = await stack.outputs();
  const { "debian-13": debian } = images.value as Images;
  return await serveImage(loginOf(workspace, password), "catalog/debian", debian?.digest as string);
}
