import assert from "node:assert/strict";
import { run } from "../../../ground/tools/exec.ts";
import { asRoot, docker, inside, labelOf, type Rule } from "./rule.ts";

/** Imports every module of the standard library that is written in C, and says which cannot be. */
const EVERY_MODULE = `
import importlib, pathlib, sysconfig
folder = pathlib.Path(sysconfig.get_path("platstdlib"), "lib-dynload")
names = {file.name.split(".")[0] for file in folder.glob("*.so")}
for name in sorted(names | {"ssl", "sqlite3", "ctypes", "curses", "readline", "lzma", "bz2", "uuid", "zlib"}):
    try:
        importlib.import_module(name)
    except Exception as error:
        print(name, error)
`;
const USE = `
import sqlite3, ssl
assert sqlite3.connect(":memory:").execute("select 6 * 7").fetchone() == (42,)
assert len(ssl.create_default_context().get_ca_certs()) > 100
`;
/** To a depth that is not unusual, on the stack of a thread, which is small in some C libraries. */
const RECURSION = `
import sys, threading
sys.setrecursionlimit(5000)
depth = lambda n: 0 if n == 0 else 1 + depth(n - 1)
thread = threading.Thread(target=lambda: print(depth(4000)))
thread.start()
thread.join()
`;

/** What Pythons must be, with what they are built by and without. */
export const pythons: readonly Rule[] = [
  {
    of: "pyenv",
    what: "has pyenv, at the version of its label, a compiler and the two scripts that layers rely on",
    check: async (subject) => {
      const label = await labelOf(subject, "pyenv");
      assert.equal(await inside(subject, "pyenv", "--version"), `pyenv ${label}`);
      for (const command of ["cc", "install-python.sh", "install-requirements.sh"]) {
        assert.ok(await inside(subject, "sh", "-c", `command -v ${command}`), command);
      }
    },
  },
  {
    of: "pyenv",
    what: "refuses a version that is not full, in one sentence",
    check: async ({ ref }) => {
      const { code, stderr } = await run("docker", ["run", "--rm", ref, "install-python.sh", "3.13"]);
      assert.notEqual(code, 0);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
      assert.match(stderr, /3\.13\b.*full version/);
    },
  },
  {
    of: "python",
    what: "runs its Python, by name, by shell and by exec, and has pip",
    check: async (subject) => {
      const label = await labelOf(subject, "python");
      const expected = `Python ${label}`;
      assert.equal(await inside(subject, "python", "-V"), expected);
      assert.equal(
        await docker(["run", "--rm", "--interactive", subject.ref, "sh", "-l"], "python -V\n"),
        expected,
      );
      assert.equal(await docker(["run", "--rm", "--entrypoint", "python", subject.ref, "-V"]), expected);
      assert.match(await inside(subject, "pip", "--version"), /^pip /);
    },
  },
  {
    of: "python",
    what: "imports every module that is written in C, and uses the databases and authorities that it finds",
    check: async (subject) => {
      assert.equal(await inside(subject, "python", "-c", EVERY_MODULE), "");
      assert.equal(await inside(subject, "python", "-c", USE), "");
    },
  },
  {
    of: "python",
    what: "recurses to a usual depth in a thread",
    check: async (subject) => assert.equal(await inside(subject, "python", "-c", RECURSION), "4000"),
  },
  {
    of: "python-slim",
    what: "has no compiler, nothing of pyenv or git, no headers, static libraries or standard library's byte code",
    check: async (subject) => {
      const commands = "c++ cc g++ gcc git ld make pyenv install-python.sh install-requirements.sh";
      assert.equal(
        await inside(subject, "sh", "-c", `for c in ${commands}; do command -v $c; done; true`),
        "",
      );
      const find = "find / -xdev '(' -name '*.a' -o -name '*.h' ')' -not -path '*/site-packages/*'";
      assert.equal(await asRoot(subject, find), "");
      const compiled = "find ~/.pyenv/versions -name '*.pyc' -not -path '*/site-packages/*'";
      assert.equal(await inside(subject, "sh", "-c", compiled), "");
    },
  },
];
