import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type BareImage, bareTree } from "../../ground/bench/bareTree.ts";
import { median, minimum, table } from "../../ground/bench/figures.ts";
import { page } from "../../ground/bench/page.ts";
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
  const others = bare.resources.flatMap(({ type }) =>
    /^(catalog|pulumi:(?!pulumi))/.test(type) ? [type] : [],
  );
  assert.deepEqual(others, ["pulumi:providers:docker-build"]);
  const login = (recording: Recording) => {
    const { inputs, secrets } = recording.resources.find(({ name }) => name === "registry-build") ?? {};
    return { registries: inputs?.registries, secrets };
  };
  assert.deepEqual(login(bare), login(catalog));
  assert.ok(login(bare).secrets?.includes("registries"));
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
  const rows = [{ what: "preview", catalog: [12, 10, 20], bare: [8, 9, 8] }];
  const cells = table({ title: "", method: "", rows })
    .split("\n")[2]
    ?.split("|")
    .map((cell) => cell.trim());
  assert.deepEqual(cells, ["", "preview", "3", "10.0 s", "12.0 s", "8.0 s", "8.0 s", "1.25", "1.50", ""]);
});

test("a page says by which command, when and on what, and shows every figure", () => {
  const figure = { title: "Figure", method: "How.", rows: [{ what: "this", catalog: [1], bare: [2] }] };
  const text = page({
    command: "npm run bench",
    date: "2026-11-23T12:00:00Z",
    machine: "2 cores",
    load: [0.25, 1.5],
    figures: [figure, { ...figure, title: "Other" }],
  });
  for (const part of [
    "`npm run bench`, 2026-11-23. 2 cores.",
    "0.3 before and 1.5 after",
    "## Figure",
    "## Other",
    "How.",
    table(figure),
  ])
    assert.ok(text.includes(part), part);
});

test("without a Pulumi, or with a number that makes no tree, one sentence says so before anything is made", async () => {
  await assert.rejects(
    bench({ images: "2" }),
    /^GroundError: --images is "2"; a whole number, at least 3, is/,
  );
  await assert.rejects(bench({ images: "many" }), /--images is "many"/);
  await assert.rejects(bench({ repeat: "0" }), /--repeat is "0"; a whole number, at least 1,/);
  process.env.CATALOG_NO_PULUMI = "1";
  try {
    await assert.rejects(bench({}), /^GroundError: hidden by CATALOG_NO_PULUMI/);
  } finally {
    delete process.env.CATALOG_NO_PULUMI;
  }
});
