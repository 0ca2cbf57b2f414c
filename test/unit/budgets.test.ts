import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "tar";
import { parseConfig } from "../../components/settings.ts";
import { budgetsOf, overBudget } from "../../ground/program/budgets.ts";
import { type Images, sizesOf } from "../../ground/program/sizes.ts";
import { readStack } from "../../ground/program/stack.ts";
import { bytesOf, type Login } from "../../ground/tools/registry.ts";
import { login, serve } from "../support/fakeRegistry.ts";

const dev = readStack("dev");
const configOf = (values: object) => {
  const { config, problems } = parseConfig({ ...dev.values, ...values });
  assert.ok(config, problems.join("\n"));
  return config;
};

/** A layer with files of so many random bytes, which do not get smaller. */
function layerOf(files: Record<string, number>): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-layer-"));
  for (const [name, size] of Object.entries(files)) {
    writeFileSync(join(folder, name), Buffer.from(Array.from({ length: size }, () => Math.random() * 256)));
  }
  const archive = create({ cwd: folder, gzip: true, sync: true }, Object.keys(files)).read() as Buffer;
  rmSync(folder, { recursive: true });
  return archive;
}

const blobs = new Map<string, Buffer>();
function blob(content: Buffer | object) {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  blobs.set(digest, bytes);
  return { digest, size: bytes.length };
}
function image(name: string, parent: string | null, layers: object[], steps: object[]) {
  const { digest } = blob({ config: blob({ history: steps }), layers });
  return { ref: `r.example.com/catalog/${name}:1@${digest}`, digest, tags: ["1"], parent };
}

const [base, tools] = [
  blob(layerOf({ libc: 300_000 })),
  blob(layerOf({ small: 5_000, curl: 900_000, dig: 200_000 })),
];
const flask = blob(layerOf({ "flask.py": 2_000 }));
const system = base.size + tools.size;
const steps = [
  { created_by: "image-catalog" },
  { created_by: "ENV LANG=C.UTF-8", empty_layer: true },
  { created_by: "RUN |2 A=b PACKAGES=curl dig /bin/sh -c os-packages install tools # buildkit" },
];
const flasks = ["amd64", "arm64"].map((architecture) =>
  image("flask", "debian-13", [base, tools, flask].slice(0, architecture === "amd64" ? 3 : 2), steps),
);
const images: Images = {
  "flask-3.1-python-3.13-debian-13": flasks[0] as Images[string],
  "debian-13": image("debian", null, [base, tools], steps),
  two: { ...image("two", "debian-13", [], []), digest: blob({ manifests: flasks }).digest },
  gone: { ...image("gone", "debian-13", [], []), digest: `sha256:${"0".repeat(64)}` },
};

async function registry(): Promise<Login> {
  const { host } = await serve((_, response, { pathname }) => {
    const content = blobs.get(pathname.split("/").at(-1) ?? "");
    response.writeHead(content ? 200 : 404).end(content);
  });
  return { ...login, address: host };
}

test("each image has its whole size and what it adds to its parent, after which it comes", async () => {
  const sizes = await sizesOf(images, await registry());
  assert.deepEqual(
    sizes.map(({ name, repository, parts }) => [
      name,
      repository,
      ...parts.map(({ whole, own }) => [whole, bytesOf(own)]),
    ]),
    [
      ["debian-13", "catalog/debian", [system, system]],
      ["flask-3.1-python-3.13-debian-13", "catalog/flask", [system + flask.size, flask.size]],
      ["two", "catalog/two", [system + flask.size, flask.size], [system, 0]],
      ["gone", "catalog/gone"],
    ],
  );
});

test("what is over its budget is said with the largest files of its layers, the largest first", async () => {
  const as = await registry();
  const sizes = await sizesOf(images, as);
  assert.equal(await overBudget(sizes, budgetsOf(dev.config), as), undefined);

  const small = budgetsOf(configOf({ budgets: { systems: 1, frameworks: 1 } }));
  assert.equal(
    await overBudget(sizes, small, as),
    `These images are built and pushed, and over their budgets:
  - debian-13 adds 1.4 MB, and budgets.systems is 1 MB. Its largest files, by layer:
      1.1 MB, RUN os-packages install tools
          0.9 MB  /curl
          0.2 MB  /dig
          0.0 MB  /small
      0.3 MB, image-catalog
          0.3 MB  /libc
Make them smaller, or give them a larger budget in the stack file.`,
  );
});

test("every image that is built has a budget, its list's or its own", () => {
  const [{ name, version }] = dev.config.frameworks as [{ name: string; version: string }];
  const budgets = budgetsOf(
    configOf({ budgets: { slimPythons: 20 }, frameworks: [{ name, version, budget: 400 }] }),
  );
  assert.deepEqual(Object.fromEntries(budgets), {
    "debian-13": { most: 45, setting: "budgets.systems" },
    "pyenv-2.7-debian-13": { most: 130, setting: "budgets.pyenvs" },
    "python-3.13-debian-13": { most: 25, setting: "budgets.pythons" },
    "python-3.13-slim-debian-13": { most: 20, setting: "budgets.slimPythons" },
    "flask-3.1-python-3.13-debian-13": { most: 400, setting: "its own `budget`" },
    "flask-helloworld": { most: 10, setting: "budgets.applications" },
  });
  assert.equal(
    budgetsOf(readStack("staging").config).size,
    0,
    "what is promoted was checked where it was built",
  );
});
