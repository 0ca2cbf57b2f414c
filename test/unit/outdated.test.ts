import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { filePins } from "../../ground/outdated/files.ts";
import { guarded } from "../../ground/outdated/guarded.ts";
import { type Outside, outside } from "../../ground/outdated/outside.ts";
import { type Pin, pinsOf } from "../../ground/outdated/pins.ts";
import { survey } from "../../ground/outdated/survey.ts";
import { tableOf } from "../../ground/outdated/table.ts";
import { newer, numbers, python, semantic } from "../../ground/outdated/versions.ts";
import { readStack, stackNames } from "../../ground/program/stack.ts";
import { run } from "../../ground/tools/exec.ts";

const comparisons = [
  [
    "a pre-release is not the newest Python",
    python,
    "3.13.5",
    "3.13.5 3.13.6 3.14.0 3.15.0rc1",
    "3.13.6 3.14.0",
  ],
  ["a post-release is a release", python, "1.0", "1.0 1.0.post1 2.0.dev3", "1.0.post1 1.0.post1"],
  ["Python's numbers are no decimals", python, "3.9.1", "3.9.2 3.10.0", "3.9.2 3.10.0"],
  [
    "dates among a repository's tags are no versions",
    semantic,
    "2.7.1",
    "2.7.2 20160310 0.4.0-20140516",
    "2.7.2 2.7.2",
  ],
  ["an npm pre-release is not the newest", semantic, "5.2.0", "5.2.1 5.3.0-alpha.1 5.3.0", "5.2.1 5.3.0"],
  ["a Go module's v stays", semantic, "v0.31.1", "v0.31.2 v0.32.0-rc1 v0.32.0", "v0.31.2 v0.32.0"],
  ["Debian 14 is no patch of 13", numbers, "13", "12 13 14", "13 14"],
  ["Alpine 3.10.9 is a patch of 3.10.2", numbers, "3.10.2", "3.9.9 3.10.9 3.22.1", "3.10.9 3.22.1"],
  ["what is older is not newer", python, "3.13.5", "3.12.9 3.13.4", "3.13.5 3.13.5"],
] as const;

for (const [what, scheme, pinned, versions, expected] of comparisons) {
  test(what, () => {
    const { patch, newest } = newer(versions.split(" "), pinned, scheme);
    assert.equal(`${patch} ${newest}`, expected);
  });
}

for (const name of stackNames()) {
  test(`every digest and commit of the stack ${name}, and every Python, is among what is looked up`, () => {
    const { config } = readStack(name);
    const pins = pinsOf(config);
    const looked = JSON.stringify(pins);
    const { registry } = config;
    const text = JSON.stringify({ ...config, registry: registry.embedded ? registry.image : "" });
    for (const [commit] of text.matchAll(/(?<=")[0-9a-f]{40}(?=")|sha256:[0-9a-f]{64}/g)) {
      assert.ok(looked.includes(commit), `${commit} is not among ${looked}`);
    }
    for (const { version } of [...config.pythons, ...config.javas]) {
      assert.ok(
        pins.some(({ pinned }) => pinned === version),
        version,
      );
    }
  });
}

test("every requirement of one version, every npm package and every tool of the ground is looked up", () => {
  const { config } = readStack("dev");
  const pins = filePins(config);
  const has = (layer: string, name: string, pinned: string) =>
    assert.ok(
      pins.some((pin) => pin.layer === layer && pin.name === name && pin.pinned === pinned),
      `${layer} ${name} ${pinned}`,
    );
  for (const { name, version } of config.frameworks) {
    const lines = readFileSync(`images/${name}/${version}/requirements.in`, "utf8").split("\n");
    for (const line of lines.filter((line) => line.includes("=="))) {
      const [requirement = "", pinned = ""] = line.split("==");
      has(`${name} ${version}`, requirement, pinned);
    }
  }
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    has("npm", name, version as string);
  }
  const tools = [...readFileSync("ground/tools/versions.ts", "utf8").matchAll(/const (\w+) = "(.+)"/g)];
  for (const [, name = "", version = ""] of tools) has("tools", name.toLowerCase(), version);
});

const nobody: Outside = {
  tagsOf: () => Promise.reject(new Error("nobody is there")),
  digestOf: () => Promise.reject(new Error("nobody is there")),
  refsOf: () => Promise.reject(new Error("nobody is there")),
  read: () => Promise.reject(new Error("nobody is there")),
  exists: () => Promise.reject(new Error("nobody is there")),
  debian: () => Promise.reject(new Error("nobody is there")),
  npm: () => Promise.reject(new Error("nobody is there")),
};
const indexes = { pypi: "https://index.example.com/simple", maven: "https://maven.example.com" };
const pypi = (name: string): Pin => ({
  layer: "toast 1",
  name,
  pinned: "1.0",
  source: { pypi: name, pythons: ["3.13.5"] },
});

test("who does not answer is asked once, said once, and its rows show that nothing is known", async () => {
  let calls = 0;
  const silent = {
    ...nobody,
    read: (url: string) => {
      calls += 1;
      return nobody.read(url);
    },
  };
  const pins = Array.from({ length: 30 }, (_, i) => pypi(`toast-${i}`));
  const found = await survey(pins, guarded(silent), indexes);
  // Those that were under way at once could not know of each other.
  assert.ok(calls <= 8, `${calls} calls`);
  assert.deepEqual(found.unreached, [{ place: "index.example.com", reason: "nobody is there" }]);
  const text = tableOf(found);
  assert.equal(text.match(/^toast|^ +toast/gm)?.length, 30);
  assert.equal(text.match(/1\.0 +\? +\? +index\.example\.com/g)?.length, 30);
  assert.equal(text.match(/^\? index\.example\.com gave no answer: nobody is there$/gm)?.length, 1);
  assert.match(text, /0 of 30 have something newer, 30 could not be looked up/);
});

test("what a reached place has not is said, and does not stand for the rest of it", async () => {
  const { Refused } = await import("../../ground/outdated/outside.ts");
  const read = async (url: string) => {
    if (url.endsWith("/bread/")) throw new Refused("answers 404 for /simple/bread/");
    return '{"files": [{"filename": "toast-1.1.tar.gz"}]}';
  };
  const found = await survey([pypi("bread"), pypi("toast")], guarded({ ...nobody, read }), indexes);
  assert.deepEqual(
    found.rows.map(({ name, newest, state }) => [name, newest, state]),
    [
      ["bread", undefined, "unknown"],
      ["toast", "1.1", "outdated"],
    ],
  );
  assert.deepEqual(found.unreached, [
    { place: "index.example.com", reason: "answers 404 for /simple/bread/" },
  ]);
});

test("only eight questions are under way at once, and none is asked twice", async () => {
  let [now, most, all] = [0, 0, 0];
  const npm = async () => {
    now += 1;
    all += 1;
    most = Math.max(most, now);
    await new Promise((go) => setImmediate(go));
    now -= 1;
    return ["1.0.0"];
  };
  const ask = guarded({ ...nobody, npm });
  await Promise.all(Array.from({ length: 40 }, (_, i) => ask.npm(`package-${i % 20}`)));
  assert.deepEqual([most, all], [8, 20]);
});

test("an address where nobody listens is one sentence, without a login that was in it", async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  await assert.rejects(outside.read(`http://robot:secret@127.0.0.1:${port}/`), (error: Error) => {
    assert.match(error.message, /ECONNREFUSED/);
    assert.doesNotMatch(error.message, /secret|\n/);
    return true;
  });
  await assert.rejects(
    outside.refsOf(`http://127.0.0.1:${port}/app.git`),
    /^Error: [^\n]*127\.0\.0\.1[^\n]*$/,
  );
});

test("`npm run outdated` where nothing is reached: every row, each source once, and code 0", async (t) => {
  const bin = mkdtempSync(join(tmpdir(), "image-catalog-outdated-test-"));
  t.after(() => rmSync(bin, { recursive: true }));
  for (const name of ["git", "npm", "python3"]) {
    writeFileSync(join(bin, name), "#!/bin/sh\necho 'fatal: no way out' >&2\nexit 1\n");
    chmodSync(join(bin, name), 0o755);
  }
  const proxy = "http://127.0.0.1:1";
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: "",
    no_proxy: "",
  };
  const { code, stdout, stderr } = await run(
    process.execPath,
    ["ground/cli.ts", "outdated", "--stack", "dev", "--json"],
    { env },
  );
  assert.equal(code, 0, stderr);
  const { rows, unreached } = JSON.parse(stdout) as Awaited<ReturnType<typeof survey>>;
  const { config } = readStack("dev");
  assert.equal(rows.length, pinsOf(config).length + filePins(config).length);
  assert.deepEqual([...new Set(rows.map(({ state }) => state))], ["unknown"]);
  const places = unreached.map(({ place }) => place);
  assert.equal(new Set(places).size, places.length);
  assert.ok(unreached.every(({ reason }) => reason !== "" && !reason.includes("\n")));
});
