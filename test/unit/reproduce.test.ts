import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { create } from "tar";
import { differences } from "../../ground/reproduce/compare.ts";
import { entriesOf, type LayoutImage, readLayout } from "../../ground/reproduce/layout.ts";
import { type ImageConfig, ociLayout } from "../../ground/sources/oci.ts";

const root = mkdtempSync(join(tmpdir(), "image-catalog-test-"));
after(() => rmSync(root, { recursive: true }));

/** Files by their paths: content, mode and time of change in seconds. */
type Files = Record<string, readonly [content: string, mode?: number, time?: number]>;
let count = 0;

/** An image with a layer for each set of files, as an OCI layout. */
async function image(layers: readonly Files[], config: ImageConfig = {}): Promise<LayoutImage> {
  const archives: string[] = [];
  for (const files of layers) {
    const folder = join(root, `files-${count++}`);
    mkdirSync(folder);
    for (const [path, [content, mode = 0o644, time = 1]] of Object.entries(files)) {
      writeFileSync(join(folder, path), content, { mode });
      utimesSync(join(folder, path), time, time);
    }
    const archive = `${folder}.tar`;
    await create({ file: archive, cwd: folder, portable: true, noMtime: false }, Object.keys(files));
    archives.push(archive);
  }
  const folder = join(root, `layout-${count++}`);
  await ociLayout(folder, archives, config);
  return readLayout(folder);
}

test("the files of a layer, with all that it says of them", async () => {
  const { layers } = await image([{ one: ["1"], two: ["2", 0o755, 60] }]);
  const [layer] = layers;
  assert.ok(layer);
  const entries = await entriesOf(layer);
  assert.deepEqual([...entries.keys()], ["one", "two"]);
  const { content, kind, mode, time } = entries.get("two") ?? assert.fail();
  assert.match(content, /^[0-9a-f]{64}$/);
  assert.deepEqual({ kind, mode, time }, { kind: "File", mode: "755", time: "1970-01-01T00:01:00.000Z" });
});

test("images that are the same to the byte differ in nothing", async () => {
  const files = { one: ["1"], two: ["2"] } as const;
  assert.deepEqual(await differences(await image([files]), await image([files])), []);
});

test("a difference is named by its layer, its file and what of that it is", async () => {
  const base: Files = { base: ["same"] };
  const first = await image([base, { content: ["1"], gone: [""], mode: [""], same: [""], time: [""] }]);
  const second = await image([
    base,
    { content: ["2"], mode: ["", 0o600], new: [""], same: [""], time: ["", 0o644, 2] },
  ]);
  assert.deepEqual(
    (await differences(first, second)).map((line) => line.replace(/^layer (\d).*/, "layer $1")),
    [
      "layer 2",
      "  content: content",
      "  gone: only in the first",
      "  mode: mode 644 and 600",
      "  new: only in the second",
      "  time: time 1970-01-01T00:00:01.000Z and 1970-01-01T00:00:02.000Z",
    ],
  );
});

test("of many files the first are named, and a layer more is said", async () => {
  const many = (content: string): Files =>
    Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`file-${10 + i}`, [content]]));
  const lines = await differences(await image([many("1")]), await image([many("2"), { more: [""] }]));
  assert.deepEqual(lines.slice(20, 22), ["  file-29: content", "  and 5 more files"]);
  assert.match(lines[22] ?? "", /^layer 2/);
  assert.equal(lines[23], "  only in the second");
});

test("files that are the same in another order, and a configuration, are differences too", async () => {
  const [one, two] = [await image([{ a: ["1"], b: ["2"] }]), await image([{ b: ["2"], a: ["1"] }])];
  assert.equal((await differences(one, two))[1], "  the same files in another order, or another compression");
  const user = await image([{ a: ["1"], b: ["2"] }], { user: "1000" });
  assert.deepEqual(await differences(one, user), ["the configuration: config"]);
});
