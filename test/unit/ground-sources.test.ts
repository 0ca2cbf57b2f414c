import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { keyring, sourceLines, suitePlaces } from "../../ground/sources/apt.ts";
import { folderTar, layoutDigest, ociLayout } from "../../ground/sources/oci.ts";
import { materialize, sourcesLink } from "../../ground/sources/sources.ts";
import { cacheDir } from "../../ground/tools/cache.ts";
import { GroundError } from "../../ground/tools/log.ts";

const folder = mkdtempSync(join(tmpdir(), "ground-sources-"));
process.env.CATALOG_CACHE = join(folder, "cache");
after(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const blob = (layout: string, digest: string) =>
  readFileSync(join(layout, "blobs", digest.replace(":", "/")));
const json = (layout: string, digest: string) => JSON.parse(blob(layout, digest).toString());

/** Writes files (a name starting with "@" is a link) and packs them. */
async function packed(name: string, files: [path: string, content: string][]): Promise<string> {
  const content = join(folder, name);
  lay(content, files);
  await folderTar(content, `${content}.tar`);
  return `${content}.tar`;
}

function lay(root: string, files: [path: string, content: string][]): void {
  for (const [path, content] of files) {
    const file = join(root, path.replace("@", ""));
    mkdirSync(dirname(file), { recursive: true });
    if (path.startsWith("@")) symlinkSync(content, file);
    else writeFileSync(file, content);
  }
}

/** What the layer of a source's image holds. */
function listing(layout: string): string[] {
  const { layers } = json(layout, layoutDigest(layout));
  const input = gunzipSync(blob(layout, layers[0].digest));
  return execFileSync("tar", ["-t"], { input }).toString().trim().split("\n");
}

/** An error that a person can act on: one sentence, no stack. */
const sentence = (pattern: RegExp) => (error: unknown) => {
  assert(error instanceof GroundError);
  assert.match(error.message, pattern);
  assert.match(error.message, /^[^\n]+\.$/);
  return true;
};

test("the same files give the same image, whenever, wherever and in whatever order they were written", async () => {
  const umask = process.umask(0o077);
  const first = await packed("first", [
    ["a", "1"],
    ["b/c", "2"],
  ]);
  process.umask(umask);
  const second = await packed("second", [
    ["b/c", "2"],
    ["a", "1"],
  ]);
  utimesSync(join(folder, "second/a"), 1e9, 1e9);
  await folderTar(join(folder, "second"), second);
  const other = await packed("other", [["a", "3"]]);

  const digest = async (tar: string, name: string) => (await ociLayout(join(folder, name), [tar])).digest;
  const expected = await digest(first, "layout-1");
  assert.equal(await digest(second, "layout-2"), expected);
  assert.notEqual(await digest(other, "layout-3"), expected);
});

test("every descriptor of a layout names its blob's very bytes", async () => {
  const layout = join(folder, "layout-whole");
  const { digest } = await ociLayout(layout, [await packed("whole", [["a", "1"]])], {
    entrypoint: ["/a"],
    env: { HOME: "/root" },
    exposedPorts: ["5000/tcp"],
    labels: { title: "a" },
  });
  assert.equal(layoutDigest(layout), digest);
  const [manifest] = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests;
  assert.equal(manifest.annotations["org.opencontainers.image.ref.name"], "latest");
  const { config, layers } = json(layout, digest);
  for (const { digest, size } of [manifest, config, ...layers]) {
    assert.equal(`sha256:${sha256(blob(layout, digest))}`, digest);
    assert.equal(blob(layout, digest).length, size);
  }
  assert.equal(readdirSync(join(layout, "blobs/sha256")).length, 3);
  const image = json(layout, config.digest);
  assert.deepEqual(image.config, {
    ExposedPorts: { "5000/tcp": {} },
    Env: ["HOME=/root"],
    Entrypoint: ["/a"],
    Labels: { title: "a" },
  });
  assert.equal(image.rootfs.diff_ids.length, image.history.length);
  // BuildKit would put the time of the build in the place of a missing one.
  assert(image.history.every(({ created }: { created?: string }) => created === "1970-01-01T00:00:00Z"));
});

test("a compressed layer is taken as it is, and known by what is in it", async () => {
  const tar = await packed("compressed", [["a", "1"]]);
  writeFileSync(`${tar}.gz`, gzipSync(readFileSync(tar), { level: 1 }));
  const [layout, plain] = [join(folder, "layout-gz"), join(folder, "layout-tar")];
  await ociLayout(layout, [`${tar}.gz`]);
  await ociLayout(plain, [tar]);
  const { config, layers } = json(layout, layoutDigest(layout));
  assert.equal(layers[0].digest, `sha256:${sha256(readFileSync(`${tar}.gz`))}`);
  assert.deepEqual(json(layout, config.digest).rootfs.diff_ids, [`sha256:${sha256(readFileSync(tar))}`]);
  assert.deepEqual(
    gunzipSync(blob(plain, json(plain, layoutDigest(plain)).layers[0].digest)),
    readFileSync(tar),
  );
});

test("what is no archive is no layer", async () => {
  const file = join(folder, "page.html");
  writeFileSync(file, "<html>not found</html>");
  await assert.rejects(
    ociLayout(join(folder, "layout-html"), [file]),
    sentence(/page\.html is no tar archive/),
  );
});

test("a source is made once, and again when it changes", async () => {
  const [one, two] = [await packed("rootfs-1", [["a", "1"]]), await packed("rootfs-2", [["a", "2"]])];
  const source = (rootfs: string) => ({ rootfs, sha256: sha256(readFileSync(rootfs)) });
  const first = await materialize(source(one), "base");
  assert.equal(first.digest, layoutDigest(first.folder));
  assert.deepEqual(readdirSync(first.folder).sort(), ["blobs", "index.json", "oci-layout", "spec.json"]);

  const made = statSync(first.folder).ino;
  assert.deepEqual(await materialize(source(one), "base"), first);
  assert.equal(statSync(first.folder).ino, made);

  assert.notEqual((await materialize(source(two), "base")).digest, first.digest);
  assert.equal((await materialize(source(one), "base")).digest, first.digest);
});

test("a source with another checksum is refused, and leaves nothing", async () => {
  const rootfs = await packed("rootfs-wrong", [["a", "1"]]);
  const wrong = "0".repeat(64);
  await assert.rejects(
    materialize({ rootfs, sha256: wrong }, "wrong"),
    sentence(new RegExp(`${sha256(readFileSync(rootfs))} .*${wrong}`)),
  );
  await assert.rejects(
    materialize({ rootfs: "nowhere.tar", sha256: wrong }, "wrong"),
    sentence(/nowhere\.tar/),
  );
  assert.deepEqual(
    readdirSync(cacheDir("sources")).filter((name) => name.includes("wrong")),
    [],
  );
});

test("a folder of Debian packages becomes the image's root, without links that lead out of it", async () => {
  const sums: Record<string, string> = { tool: "a".repeat(64), "tool-data": "b".repeat(64) };
  for (const [name, sum] of Object.entries(sums)) {
    writeFileSync(join(cacheDir("debian"), `${name}_1-1.sha256`), `${sum}\n`);
  }
  lay(join(cacheDir("debian"), "tool_1-1"), [
    ["usr/share/tool/bin/tool", "#!/bin/sh\n"],
    ["@usr/share/tool/tool", "bin/tool"],
    ["@usr/share/tool/README", "../doc/tool/README"],
    ["@usr/share/tool/gone", "missing"],
    ["usr/share/doc/tool/README", "there in the package, not in the image"],
  ]);
  lay(join(cacheDir("debian"), "tool-data_1-1"), [["usr/share/tool/bin/data", "data"]]);
  const source = (names: string[], change: object = {}) => ({
    debianPackages: names.map((name) => ({ name, version: "1-1", sha256: sums[name] as string, ...change })),
    suite: "trixie",
    path: "usr/share/tool",
  });

  const one = await materialize(source(["tool"]), "tool-1");
  assert.deepEqual(listing(one.folder), ["./", "./bin/", "./bin/tool", "./tool"]);
  const both = await materialize(source(["tool", "tool-data"]), "tool-2");
  assert.deepEqual(listing(both.folder), ["./", "./bin/", "./bin/data", "./bin/tool", "./tool"]);
  await assert.rejects(
    materialize(source(["tool"], { sha256: "b".repeat(64) }), "tool-3"),
    sentence(/tool 1-1 has sha256 a+/),
  );
  await assert.rejects(materialize({ ...source(["tool"]), path: "opt" }, "tool-4"), sentence(/no opt/));
});

test("a file of a Debian source package gets upstream's name", async () => {
  const sum = sha256("source");
  const file = "python3.13_3.13.5.orig.tar.xz";
  writeFileSync(join(cacheDir("debian", "sources", sum), file), "source");
  const source = {
    debianSource: "python3.13",
    suite: "trixie",
    sha256: sum,
    as: "Python-3.13.5",
  };
  const { folder } = await materialize(source, "cpython-3.13.5");
  assert.deepEqual(listing(folder), ["./", "./Python-3.13.5.tar.xz"]);

  const path = join(cacheDir("debian", "sources", sum), file);
  writeFileSync(path, "spoiled");
  await assert.rejects(
    materialize(source, "cpython-again"),
    sentence(new RegExp(`${sha256("spoiled")} .*${sum}`)),
  );
  assert(!existsSync(path));
});

test("the checkout's link leads to the cache, and is repaired", () => {
  const checkout = join(folder, "checkout");
  const link = join(checkout, ".catalog/sources");
  sourcesLink(checkout);
  assert.equal(readlinkSync(link), cacheDir("sources"));
  rmSync(link);
  symlinkSync("/somewhere/else", link);
  sourcesLink(checkout);
  assert.equal(readlinkSync(link), cacheDir("sources"));
  rmSync(link);
  mkdirSync(link);
  assert.throws(() => sourcesLink(checkout), sentence(/no link to the cache/));
});

test("a release comes with its updates and security fixes, a rolling suite alone", {
  skip: existsSync(keyring) ? false : "Debian's keys are not on this machine",
}, async () => {
  const mirror = "https://mirror.example.com/debian/";
  assert.deepEqual(await suitePlaces("trixie", mirror), [
    "https://mirror.example.com/debian trixie",
    "https://mirror.example.com/debian trixie-updates",
    "https://mirror.example.com/debian-security trixie-security",
  ]);
  assert.deepEqual(await suitePlaces("sid", mirror), ["https://mirror.example.com/debian sid"]);
  assert.equal(
    sourceLines("deb", ["m s"], " target=Packages"),
    `deb [signed-by=${keyring} target=Packages] m s main\n`,
  );
});

const alpine = "../shared/data/alpine-minirootfs-3.20.3-x86_64.tar.gz";

test("Alpine's root file system as it is published becomes an image", {
  skip: existsSync(alpine) ? false : `${alpine} is not on this machine`,
}, async () => {
  const pin = "d4e6fd67dcf75e40c451560ac7265166c2b72a0f38ddc9aae756a7de3d1efa0c";
  const { folder, digest } = await materialize({ rootfs: alpine, sha256: pin }, "base-alpine");
  assert.equal(json(folder, digest).layers[0].digest, `sha256:${pin}`);
  assert(listing(folder).includes("./etc/alpine-release"));
});
