import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { stage } from "../../components/buildContext.ts";

const project = process.cwd();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "image-catalog-test-"));
  process.chdir(folder);
  mkdirSync("image/sub", { recursive: true });
  writeFileSync("image/Dockerfile", "FROM scratch\n");
  writeFileSync("image/sub/run.sh", "#!/bin/sh\n", { mode: 0o755 });
});
afterEach(() => {
  process.chdir(project);
  rmSync(folder, { recursive: true });
});

test("a context is named by its content and has only plain modes", () => {
  const location = stage("image", ["image"]);
  assert.match(location, /^\.catalog\/contexts\/image-[0-9a-f]{16}$/);
  assert.equal(statSync(join(location, "Dockerfile")).mode & 0o777, 0o644);
  assert.equal(statSync(join(location, "sub/run.sh")).mode & 0o777, 0o755);
});

test("group bits, times and umask change nothing; content, names and the executable bit do", () => {
  const location = stage("image", ["image"]);
  chmodSync("image/Dockerfile", 0o664);
  chmodSync("image/sub/run.sh", 0o775);
  utimesSync("image/Dockerfile", 1, 1);
  const umask = process.umask(0o077);
  try {
    rmSync(".catalog", { recursive: true });
    assert.equal(stage("image", ["image"]), location);
    assert.equal(statSync(join(location, "Dockerfile")).mode & 0o777, 0o644);
  } finally {
    process.umask(umask);
  }
  chmodSync("image/Dockerfile", 0o744);
  const executable = stage("image", ["image"]);
  writeFileSync("image/Dockerfile", "FROM scratch\n#\n");
  const edited = stage("image", ["image"]);
  writeFileSync("image/more", "");
  const more = stage("image", ["image"]);
  assert.equal(new Set([location, executable, edited, more]).size, 4);
});

test("the location is the same in another checkout", () => {
  const location = stage("image", ["image"]);
  mkdirSync("elsewhere");
  process.chdir("elsewhere");
  assert.equal(stage("image", ["../image"]), location);
});

test(".dockerignore is obeyed, .git is never there, later folders win, links stay links", () => {
  mkdirSync("image/.git");
  writeFileSync("image/.git/HEAD", "x");
  writeFileSync("image/.dockerignore", "*.log\n");
  writeFileSync("image/a.log", "x");
  symlinkSync("Dockerfile", "image/link");
  mkdirSync("over");
  writeFileSync("over/Dockerfile", "FROM other\n");
  const location = stage("image", ["image", "over"]);
  assert.deepEqual(readdirSync(location).sort(), [".dockerignore", "Dockerfile", "link", "sub"]);
  assert.equal(statSync(join(location, "Dockerfile")).size, "FROM other\n".length);
});
