import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { run } from "../../ground/tools/exec.ts";

const cli = resolve(import.meta.dirname, "../../ground/cli.ts");

/** Stands for uv: its index has everything but version 9, which nobody has, and version 3, which needs Python 3.12. */
const uv = `#!/bin/sh
for arg; do case "$arg" in --python-version=*) python="\${arg#*=}" ;; esac; done
if grep -q ==9 requirements.in; then
  echo "cause: Because there is no version of toast==9 and you require toast==9, we can" >&2
  exit 1
fi
if grep -q ==3 requirements.in && [ "$python" = 3.9 ]; then
  echo "cause: Because the requested Python version (>=3.9) does not satisfy Python>=3.12 and" >&2
  exit 1
fi
{ echo "# uv --python-version $python"; grep == requirements.in; } >requirements.txt
`;

function folder(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "image-catalog-lock-test-"));
  for (const [name, content] of Object.entries({ "bin/uv": uv, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  chmodSync(join(root, "bin/uv"), 0o755);
  return root;
}

async function lock(t: { after(work: () => void): void }, files: Record<string, string>, ...args: string[]) {
  const root = folder(files);
  t.after(() => rmSync(root, { recursive: true }));
  const PATH = [join(root, "bin"), process.env.PATH].join(delimiter);
  const result = await run(process.execPath, [cli, "lock", ...args], { cwd: root, env: { PATH } });
  const read = (name: string) => readFileSync(join(root, "images", name), "utf8");
  return { ...result, root, read };
}

test("a new version begins as the newest one's copy, without its lock", async (t) => {
  const files = {
    "images/toast/1.10/requirements.in": "# Why\ntoast-core==1.10\nbutter==1.10.1\n",
    "images/toast/1.10/requirements.txt": "old",
    "images/toast/1.10/Dockerfile": "FROM scratch\n",
    "images/toast/1.9/requirements.in": "toast-core==1.9\n",
  };
  const { code, stdout, stderr, read } = await lock(t, files, "toast", "2.0");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /images\/toast\/2\.0: new, 2 packages, for Python 3\.9 and later/);
  assert.equal(read("toast/2.0/requirements.in"), "# Why\ntoast-core==2.0\nbutter==1.10.1\n");
  assert.equal(
    read("toast/2.0/requirements.txt"),
    "# uv --python-version 3.9\ntoast-core==2.0\nbutter==1.10.1\n",
  );
  assert.equal(read("toast/2.0/Dockerfile"), "FROM scratch\n");
});

test("a framework that needs a later Python is locked for that one", async (t) => {
  const { stdout, read } = await lock(t, {}, "toast", "3");
  assert.match(stdout, /for Python 3\.12 and later/);
  assert.equal(read("toast/3/requirements.txt"), "# uv --python-version 3.12\ntoast==3\n");
});

test("a version that the index has not is one sentence, and leaves nothing behind", async (t) => {
  const { code, stderr, root } = await lock(t, {}, "toast", "9");
  assert.equal(code, 1);
  assert.equal(stderr, "✗ The package index has no toast 9.\n");
  assert.equal(existsSync(join(root, "images")), false);
});

test("without a name all are locked, each for the Python that it was", async (t) => {
  const files = {
    "images/jam/1/requirements.in": "jam==1\n",
    "images/jam/1/requirements.txt": "# uv --python-version 3.7\njam==1\n",
    "images/toast/1/requirements.in": "toast==1\n",
  };
  const { stdout } = await lock(t, files);
  assert.match(stdout, /images\/jam\/1: unchanged, 1 package, for Python 3\.7 and later/);
  assert.match(stdout, /images\/toast\/1: new/);
});
