import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type BareImage, bareTree } from "../../ground/bench/bareTree.ts";
import { median, minimum, table } from "../../ground/bench/figures.ts";
import { page } from "../../ground/bench/page.ts";
import { meanRatio, readTimes } from "../../ground/bench/pyperformance.ts";
import type { Official } from "../../ground/bench/sizes.ts";
import { filesOf, SMALLEST, settingsOf, shapeOf, writeFiles } from "../../ground/bench/tree.ts";
import { bench } from "../../ground/commands/bench.ts";
import { type Recording, record } from "../../ground/program/record.ts";
import { readStack, type Stack } from "../../ground/program/stack.ts";

const checkout = process.cwd();
const bareProgram = new URL("../../ground/bench/bare/index.ts", import.meta.url).href;
const password = "a-password-of-the-tests";
const { project, values } = readStack("dev");
const imagesOf = ({ resources }: Recording) =>
  resources.filter(({ type }) => type === "docker-build:index:Image");
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "image-catalog-test-"));
  cpSync("Pulumi.yaml", join(folder, "Pulumi.yaml"));
  process.chdir(folder);
});
after(() => {
  process.chdir(checkout);
  rmSync(folder, { recursive: true });
});

function treeOf(images: number): Pick<Stack, "name" | "project" | "values"> {
  const shape = shapeOf(images);
  writeFiles(folder, filesOf(shape));
  return { name: "tree", project, values: { ...values, ...settingsOf(shape, "mark") } };
}

test("a shape has exactly the images that were asked for, and a parent for each application", () => {
  for (let images = SMALLEST; images <= 1000; images++) {
    const { pythons, frameworks, applications } = shapeOf(images);
    assert.equal(2 + pythons + pythons * frameworks + applications, images);
    assert.ok(pythons >= 1 && frameworks >= 0 && applications >= 0, `${images}`);
    assert.ok(applications === 0 || frameworks > 0, `${images}`);
  }
  assert.deepEqual(shapeOf(300), { pythons: 10, frameworks: 28, applications: 8 });
});

test("the program makes exactly as many images of the generated files and settings", async () => {
  for (const images of [SMALLEST, 4, 9, 47]) {
    assert.equal(imagesOf(await record(treeOf(images), password)).length, images);
  }
});

test("trees of different marks share no layer: the mark is in the root's content", async () => {
  const stack = treeOf(SMALLEST);
  const [root] = imagesOf(await record(stack, password));
  const buildArgs = root?.inputs.buildArgs as Record<string, string> | undefined;
  assert.equal(buildArgs?.OS_ARCHIVE, "https://mark.example.com");
  assert.match(
    filesOf(shapeOf(SMALLEST))["images/os/debian/Dockerfile"] as string,
    /COPY .*\n\$\{OS_ARCHIVE\}/,
  );
});

test("the bare program registers the catalog's images and registry, and nothing else", async () => {
  const stack = treeOf(47);
  const catalog = await record(stack, password);
  writeFileSync("tree.json", JSON.stringify(bareTree(catalog)));
  const bare = await record({ name: "tree", project: "bare", values: {} }, undefined, {
    program: bareProgram,
  });

  const compared = ({ resources }: Recording) =>
    resources
      .filter(({ type }) => !/^(catalog|pulumi):/.test(type))
      .map(({ type, name, inputs, secrets, retained }) => [`${type} ${name}`, { inputs, secrets, retained }]);
  assert.deepEqual(Object.fromEntries(compared(bare)), Object.fromEntries(compared(catalog)));
  assert.equal(imagesOf(bare).length, 47);
  assert.ok(!bare.resources.some(({ type }) => /^(catalog|pulumi:(?!pulumi))/.test(type)));
  for (const { name, secrets } of imagesOf(bare)) assert.ok(secrets.includes("registries"), name);
});

test("a child of the bare program has its parent's own output, not a recorded text", async () => {
  const tree = bareTree(await record(treeOf(9), password));
  const text = (value: unknown) => JSON.stringify(value).replaceAll("sha256:recorded-", "sha256:other-");
  writeFileSync("tree.json", text(tree));
  const images = imagesOf(
    await record({ name: "tree", project: "bare", values: {} }, undefined, { program: bareProgram }),
  );
  for (const { name, parent } of tree.images) {
    const inputs = images.find((image) => image.name === name)?.inputs as BareImage["inputs"] | undefined;
    if (parent === undefined) continue;
    assert.match(inputs?.buildArgs.PARENT as string, new RegExp(`@sha256:recorded-${parent}$`));
    assert.equal(inputs?.labels["org.opencontainers.image.base.digest"], `sha256:recorded-${parent}`);
  }
  assert.equal(tree.images.filter(({ parent }) => parent === undefined).length, 1);
});

test("minimum and median, of even and odd numbers of times", () => {
  assert.equal(minimum([3, 1, 2]), 1);
  assert.equal(median([10, 1, 2]), 2);
  assert.equal(median([10, 1, 2, 3]), 2.5);
  assert.equal(median([4]), 4);
});

test("a table has minimum, median and their ratios", () => {
  const rows = [{ what: "preview", first: [12, 10, 20], second: [8, 9, 8] }];
  const [head, , cells] = table({ title: "", method: "", sides: ["new", "old"], unit: "s", rows })
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  assert.deepEqual(head?.slice(3, 7), ["new: min", "median", "old: min", "median"]);
  assert.deepEqual(cells, ["", "preview", "3", "10.0 s", "12.0 s", "8.0 s", "8.0 s", "1.25", "1.50", ""]);
});

test("what only one side has is shown, beside nothing", () => {
  const rows = [{ what: "flask", first: [51.2], second: [] }];
  const cells = table({ title: "", method: "", sides: ["new", "old"], unit: "MB", rows }).split("\n")[2];
  assert.deepEqual(
    cells?.split("|").map((cell) => cell.trim()),
    ["", "flask", "1", "51.2 MB", "51.2 MB", "·", "·", "·", "·", ""],
  );
});

test("of pyperf's runs those count that have values, in milliseconds; ratios have a geometric mean", () => {
  const runs = [{ metadata: { calibrate_loops: 1 } }, { values: [0.5, 0.25] }, { values: [0.125] }];
  assert.deepEqual(readTimes(JSON.stringify({ benchmarks: [{ runs }] })), [500, 250, 125]);
  const rows = [
    { what: "a", first: [4, 9], second: [1] },
    { what: "b", first: [1], second: [1, 2] },
  ];
  assert.equal(meanRatio(rows).toFixed(6), "2.000000");
});

test("each published size stands beside a layer of the stack, has a date, and says where it is from", async () => {
  const official = JSON.parse(
    readFileSync(join(checkout, "docs/official-images.json"), "utf8"),
  ) as Official[];
  process.chdir(checkout);
  const stack = { name: "dev", project, values: { ...values, javas: [{ version: "21" }] } };
  const { resources } = await record(stack, password).finally(() => process.chdir(folder));
  assert.ok(official.length > 0);
  for (const { beside, image, onDisk, compressed, sources } of official) {
    assert.ok(
      resources.some(({ name, type }) => name === beside && type.startsWith("catalog:image:")),
      beside,
    );
    assert.match(image, /^[\w/-]+:\S+$/);
    for (const size of [onDisk, compressed]) {
      if (size === undefined) continue;
      assert.ok(Number.isInteger(size.bytes), image);
      assert.match(size.date, /^\d{4}-\d\d-\d\d$/);
    }
    assert.ok(sources.length > 0, image);
  }
});

test("a page says by which command, when and on what, and shows every figure", () => {
  const sides: [string, string] = ["new", "old"];
  const rows = [{ what: "this", first: [1], second: [2] }];
  const figure = { title: "Figure", method: "How.", sides, unit: "s", rows, remarks: ["A remark."] };
  const report = { date: "2026-11-23T12:00:00Z", machine: "2 cores", load: [0.25, 1.5] } as const;
  const text = page([
    { ...report, command: "npm run bench -- this", figures: [figure, { ...figure, title: "Other" }] },
    { ...report, command: "npm run bench -- that", figures: [{ ...figure, title: "Third" }] },
  ]);
  for (const part of [
    "`npm run bench -- this`, 2026-11-23. 2 cores. Load average 0.3 and 1.5.",
    "`npm run bench -- that`, ",
    "## Figure",
    "## Other",
    "## Third",
    "How.",
    "A remark.",
    table(figure),
  ])
    assert.ok(text.includes(part), part);
});

test("without a Pulumi, a number that makes no tree, or a name of none, one sentence says so before anything is made", async () => {
  await assert.rejects(
    bench({ images: "2" }),
    /^GroundError: --images is "2"; a whole number, at least 3, is/,
  );
  await assert.rejects(bench({ images: "many" }), /--images is "many"/);
  await assert.rejects(
    bench({ args: ["tree"] }),
    /There is no benchmark "tree"; did you mean trees\? \(allowed: bare, trees, chain, cache, sizes, python, service\)\.$/,
  );
  await assert.rejects(bench({ repeat: "0" }), /--repeat is "0"; a whole number, at least 1,/);
  process.env.CATALOG_NO_PULUMI = "1";
  try {
    await assert.rejects(bench({}), /^GroundError: hidden by CATALOG_NO_PULUMI/);
  } finally {
    delete process.env.CATALOG_NO_PULUMI;
  }
});
