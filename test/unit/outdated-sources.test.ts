/** What is looked up in each kind of source, with answers as these sources give them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { guarded } from "../../ground/outdated/guarded.ts";
import { lookUp } from "../../ground/outdated/lookUp.ts";
import { type Outside, outside } from "../../ground/outdated/outside.ts";
import type { Pin, PinSource } from "../../ground/outdated/pins.ts";
import { must } from "../../ground/tools/exec.ts";

const unasked = (): never => {
  throw new Error("this is not to be asked");
};
const nobody: Outside = {
  tagsOf: unasked,
  digestOf: unasked,
  refsOf: unasked,
  read: unasked,
  exists: unasked,
  debian: unasked,
  npm: unasked,
};
const indexes = { pypi: "https://index.example.com/simple", maven: "https://maven.example.com" };
const pin = (pinned: string, source: PinSource): Pin => ({ layer: "layer", name: "toast", pinned, source });
const find = (pinned: string, source: PinSource, answers: Partial<Outside>, pypi = indexes.pypi) =>
  lookUp(pin(pinned, source), guarded({ ...nobody, ...answers }), { ...indexes, pypi });

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

test("an image: the newest tags of the same form, by digest, and whether the pinned one has moved", async () => {
  const tagsOf = async () => ["12-slim", "13", "13-slim", "13.1-slim", "14-slim", "15", "trixie-slim"];
  const digests: Record<string, string> = { "debian:13-slim": digest("b"), "debian:14-slim": digest("c") };
  const digestOf = async (image: string) => digests[image] ?? unasked();
  const image = `debian:13-slim@${digest("a")}`;
  assert.deepEqual(await find("13-slim@aaaaaaa", { image }, { tagsOf, digestOf }), {
    patch: "13-slim@bbbbbbb",
    newest: "14-slim@ccccccc",
    notes: ["13-slim has moved since it was pinned"],
    pins: [`debian:13-slim@${digest("b")}`, `debian:14-slim@${digest("c")}`],
  });
  const same = await find(
    "trixie@ddddddd",
    { image: `debian:trixie@${digest("d")}` },
    {
      tagsOf,
      digestOf: async () => digest("d"),
    },
  );
  assert.deepEqual(same, { patch: "trixie@ddddddd", newest: "trixie@ddddddd", notes: [], pins: [] });
});

test("a git repository: tags with the commits that they stand for, as git itself tells them", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-outdated-git-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const git = async (...args: string[]) =>
    (
      await must("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args])
    ).stdout.trim();
  await git("init", "--quiet");
  const commits: string[] = [];
  for (const tag of ["v2.7.1", "v2.7.2", "v2.8.0-beta.1", "v20160310", "v3.0.0"]) {
    await git("commit", "--quiet", "--allow-empty", "--message", tag);
    await git("tag", "--annotate", "--message", tag, tag);
    commits.push(await git("rev-parse", "HEAD"));
  }
  const [first = "", patch, , , newest = ""] = commits;
  // git takes a folder for a repository; the URL only says where that is.
  const refsOf = () => outside.refsOf(folder);
  const url = "https://git.example.com/toast.git";
  assert.deepEqual(await find("2.7.1", { git: url, commit: first }, { refsOf }), {
    patch: "2.7.2",
    newest: "3.0.0",
    notes: [],
    pins: [`toast 2.7.2: commit ${patch}`, `toast 3.0.0: commit ${newest}`],
  });
  const other = await find("2.7.1", { git: url, commit: newest }, { refsOf });
  assert.deepEqual(other.notes, ["the pinned commit is not the one of 2.7.1"]);
  assert.deepEqual(await find(first.slice(0, 8), { head: url, commit: first }, { refsOf }), {
    newest: newest.slice(0, 8),
    notes: ["pinned at the tag v2.7.1"],
    pins: [`${url}: commit ${newest}`],
  });
});

const listings = [
  ["https://www.python.org/ftp/python/{version}/Python-{version}.tar.xz", '<a href="VERSION/">VERSION/</a>'],
  ["https://mirror.example.com/py/Python-{version}.tar.xz", '<a href="Python-VERSION.tar.xz">file</a>'],
] as const;
for (const [url, line] of listings) {
  test(`CPython in the listing of ${new URL(url).host}: what has no release yet is left out`, async () => {
    const read = async (folder: string) => {
      assert.equal(folder, /^.*?(?=\{version\}|Python-)/.exec(url)?.[0]);
      return ["3.12.1", "3.13.5", "3.13.6", "3.14.0", "3.15.0", "doc"]
        .map((version) => line.replaceAll("VERSION", version))
        .join("\n");
    };
    const exists = async (file: string) => !file.includes("3.15.0");
    const { patch, newest, pins } = await find("3.13.5", { listing: url }, { read, exists });
    assert.deepEqual([patch, newest, pins?.length], ["3.13.6", "3.14.0", 2]);
    assert.ok(pins?.[0]?.includes(url.replaceAll("{version}", "3.13.6")));
  });
}

const debian: Outside["debian"] = async (suite) => ({
  names: async (start) =>
    ["openjdk-21-jre-headless", "openjdk-25-jre-headless", "openjdk-25-jre", "python3.13", "python3.13-doc"]
      .concat(suite === "sid" ? ["python3.14"] : [])
      .filter((name) => name.startsWith(start)),
  package: async (name) =>
    new Map(
      name.startsWith("openjdk")
        ? [[`${name.slice(8, 10)}.0.8+9-1~deb13u1`, "sum"]]
        : suite === "sid"
          ? [["2.7.1-2", "sum of 2.7.1-2"]]
          : [
              ["2.5.4-2", "sum of 2.5.4-2"],
              ["2.5.4-1", "sum of 2.5.4-1"],
            ],
    ),
  sourceFiles: async (name) =>
    new Map([
      [`${name}_${name.slice(6)}.${suite === "sid" ? 7 : 6}.orig.tar.xz`, `sum of ${name} in ${suite}`],
      [`${name}_${name.slice(6)}.6-1.debian.tar.xz`, "another"],
    ]),
});

test("a Debian package: a new revision of it, and the newest of sid, with their checksums", async () => {
  assert.deepEqual(await find("2.5.4-1", { debianPackage: "pyenv", suite: "trixie" }, { debian }), {
    patch: "2.5.4-2",
    newest: "2.7.1-2",
    notes: [],
    pins: ["pyenv 2.5.4-2 of trixie: sha256 sum of 2.5.4-2", "pyenv 2.7.1-2 of sid: sha256 sum of 2.7.1-2"],
  });
  const { notes } = await find("2.5.3-1", { debianPackage: "pyenv", suite: "trixie" }, { debian });
  assert.deepEqual(notes, ["trixie has 2.5.3-1 no longer"]);
});

test("CPython in Debian's source packages, with the checksum and the suite", async () => {
  assert.deepEqual(await find("3.13.5", { debianSource: "trixie" }, { debian }), {
    patch: "3.13.7",
    newest: "3.14.7",
    pins: [
      "cpython 3.13.7 of sid: sha256 sum of python3.13 in sid",
      "cpython 3.14.7 of sid: sha256 sum of python3.14 in sid",
    ],
  });
});

test("Java in Debian's archive and in Alpine's", async () => {
  const system = { name: "debian", version: "13", packages: [], base: { mmdebstrap: "trixie" } };
  assert.deepEqual(await find("21", { java: system }, { debian }), {
    patch: "21",
    newest: "25",
    notes: ["21 is 21.0.8+9"],
  });
  const alpine = { name: "alpine", version: "3.22.1", packages: [], base: { image: "alpine:3.22.1" } };
  const read = async (url: string) =>
    url.includes("/v3.22/community/")
      ? ["21-jre-headless-21.0.8_p9-r0", "21-jdk-21.0.8_p9-r0", "24-jre-headless-24.0.2_p12-r1"]
          .map((file) => `<a href="openjdk${file}.apk">openjdk${file}.apk</a>`)
          .join("\n")
      : "";
  assert.deepEqual(await find("17", { java: alpine }, { read }), {
    patch: "17",
    newest: "24",
    notes: ["alpine 3.22.1 has no Java 17"],
  });
});

test("a Maven artifact and a Go module", async () => {
  const versions = ["3.3.1", "3.4.0", "4.0.0-beta-1"];
  const maven = async (url: string) => {
    assert.equal(url, "https://maven.example.com/org/example/toast/maven-metadata.xml");
    return versions.map((version) => `<version>${version}</version>`).join("\n");
  };
  const artifact = { maven: "org.example", artifact: "toast" };
  assert.deepEqual(await find("3.3.1", artifact, { read: maven }), { patch: "3.3.1", newest: "3.4.0" });
  const go = async (url: string) => {
    assert.match(url, /\/example\.com\/toast\/@v\/list$/);
    return "v0.31.1\nv0.31.2\nv0.32.0-rc1\n";
  };
  const found = await find("v0.31.1", { goModule: "example.com/toast" }, { read: go });
  assert.deepEqual(found, { patch: "v0.31.2", newest: "v0.31.2" });
});

const files = [
  ["toast-1.0.tar.gz", ""],
  ["toast-1.0.1-py3-none-any.whl", ""],
  ["toast-1.1.tar.gz", "yanked"],
  ["toast-2.0.tar.gz", ">=3.14"],
  ["toast-3.0rc1.tar.gz", ""],
] as const;
const answers = {
  "application/vnd.pypi.simple.v1+json": JSON.stringify({
    files: files.map(([filename, note]) => ({
      filename,
      yanked: note === "yanked",
      "requires-python": note.startsWith(">") ? note : null,
    })),
  }),
  "text/html": files
    .map(([filename, note]) => {
      const requires = note.startsWith(">") ? ` data-requires-python="${note.replace(">", "&gt;")}"` : "";
      return `<a href="x/${filename}"${note === "yanked" ? ' data-yanked=""' : ""}${requires}>${filename}</a><br>`;
    })
    .join("\n"),
};
for (const [type, text] of Object.entries(answers)) {
  test(`an index that answers ${type}, behind a login`, async (t) => {
    const login = `Basic ${Buffer.from("robot:secret").toString("base64")}`;
    const server = createServer((request, response) => {
      const known = request.headers.authorization === login && request.url === "/simple/the-toast/";
      response.writeHead(known ? 200 : 404, { "content-type": type }).end(text);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    t.after(() => server.close());
    const index = `http://robot:secret@127.0.0.1:${(server.address() as AddressInfo).port}/simple/`;
    const source = { pypi: "The.Toast", pythons: ["3.13.5"] };
    assert.deepEqual(await find("1.0", source, { read: outside.read }, index), {
      patch: "1.0.1",
      newest: "2.0",
      notes: ["2.0 needs Python >=3.14"],
    });
    const lock = new Map([["The.Toast", "1.0.1"]]);
    const locked = await find("1 package", { lock }, { read: outside.read }, index);
    assert.deepEqual(locked, { patch: "0 newer", newest: "1 newer", notes: [] });
    await assert.rejects(
      find("1.0", { pypi: "bread", pythons: [] }, { read: outside.read }, index),
      /answers 404/,
    );
  });
}
