/** The tools of the ground, on temporary folders and processes of their own: no network, no engine. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { checkDocker, ensureDocker, portHolder } from "../../ground/machine/docker.ts";
import { checkPulumi, findPulumi } from "../../ground/machine/pulumi.ts";
import { otherUsers, use } from "../../ground/machine/users.ts";
import { cacheDir, exclusively, freeBytes, once, sha256File } from "../../ground/tools/cache.ts";
import { daemon, daemonPid, processStart, stopDaemon } from "../../ground/tools/daemon.ts";
import { inherit, lastLine, must, run, which } from "../../ground/tools/exec.ts";
import { GroundError } from "../../ground/tools/log.ts";
import { killUser, startUser } from "../support/user.ts";

const base = mkdtempSync(join(tmpdir(), "ground-"));
const before = { ...process.env };
let folder = base;

beforeEach(() => {
  process.env = { ...before, DOCKER_HOST: `unix://${base}/none.sock`, CATALOG_CACHE: join(base, "cache") };
  folder = mkdtempSync(join(base, "test-"));
});
after(() => {
  process.env = before;
  rmSync(base, { recursive: true });
});

const sentence = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof GroundError, `${error}`);
  assert.match(error.message, pattern);
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

/** An executable that answers like a tool that is not installed here. */
function script(path: string, ...lines: string[]): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(path, 0o755);
  return path;
}

describe("a command", () => {
  test("gives its code and output, and gets its input, folder and environment", async () => {
    const options = { input: "in", cwd: folder, env: { GROUND_TEST: "yes", HOME: undefined } };
    const shell = 'cat; echo " $GROUND_TEST $HOME"; pwd; echo no >&2; exit 3';
    const result = await run("sh", ["-c", shell], options);
    assert.deepEqual(result, { code: 3, stdout: `in yes \n${folder}\n`, stderr: "no\n" });
  });

  test("that does not exist has code 127, and one that a signal ended 128 more than the signal", async () => {
    assert.equal((await run("no-such-command", [])).code, 127);
    assert.equal((await run("sh", ["-c", "kill -9 $$"])).code, 137);
  });

  test("is ended after its time, though a grandchild holds its output", async () => {
    const start = Date.now();
    const result = await run("sh", ["-c", "echo first; sleep 4 & sleep 5"], { timeout: 200 });
    assert.equal(result.code, 124);
    assert.equal(result.stdout, "first\n");
    assert.match(lastLine(result.stderr), /no answer in 0.2 s/);
    assert.ok(Date.now() - start < 2000);
  });

  test("is interrupted by a signal, ends its work and has its output collected", async () => {
    const stop = new AbortController();
    const shell = 'trap "echo interrupted; exit 5" INT; : >trapped; while :; do sleep 0.05; done';
    const running = run("sh", ["-c", shell], { cwd: folder, signal: stop.signal, timeout: 30_000 });
    while (!existsSync(join(folder, "trapped"))) await new Promise((done) => setTimeout(done, 20));
    stop.abort();
    assert.deepEqual(await running, { code: 5, stdout: "interrupted\n", stderr: "" });
  });

  test("gives each line as it comes", async () => {
    const [lines, stop]: [string[], AbortController] = [[], new AbortController()];
    const each = (line: string) => {
      lines.push(line);
      if (lines.length === 2) stop.abort();
    };
    const running = run("sh", ["-c", "echo first; echo second >&2; exec sleep 60"], {
      each,
      signal: stop.signal,
    });
    assert.equal((await running).code, 130);
    assert.deepEqual(lines.sort(), ["first", "second"]);
    assert.equal((await run("sleep", ["60"], { signal: stop.signal })).code, 130);
  });

  test("that must succeed ends in one sentence with the last line of its complaint", async () => {
    assert.equal((await must("echo", ["fine"])).stdout, "fine\n");
    const failing = must("sh", ["-c", "echo first >&2; echo the reason >&2; echo >&2; exit 4"]);
    await assert.rejects(failing, sentence(/^`sh .*` failed with code 4: the reason$/s));
    await assert.rejects(must("no-such-command", []), sentence(/^no-such-command is not installed/));
    await assert.rejects(must("sh", ["-c", "exit 127"]), sentence(/failed with code 127/));
  });

  test("on this terminal answers its code and leaves no handler behind", async () => {
    const handlers = process.listenerCount("SIGINT");
    assert.equal(await inherit("sh", ["-c", "exit 5"]), 5);
    await assert.rejects(inherit("no-such-command", []), sentence(/not installed/));
    assert.equal(process.listenerCount("SIGINT"), handlers);
  });

  test("is found on PATH when it can be executed", () => {
    const tool = script(join(folder, "a-tool"));
    writeFileSync(join(folder, "a-text"), "");
    process.env.PATH = folder;
    assert.equal(which("a-tool"), tool);
    assert.equal(which("a-text"), null);
    assert.equal(which("no-such-command"), null);
  });
});

describe("a daemon", () => {
  const files = () => ({ log: join(folder, "log"), pidFile: join(folder, "pid") });

  test("runs, is known by its pid file, writes its log and is stopped", async () => {
    const pid = await daemon("sh", ["-c", "echo $WORD; exec sleep 60"], { ...files(), env: { WORD: "up" } });
    assert.equal(daemonPid(files().pidFile), pid);
    for (let i = 0; i < 50 && !readFileSync(files().log, "utf8"); i += 1) await run("sleep", ["0.05"]);
    assert.equal(readFileSync(files().log, "utf8"), "up\n");
    assert.equal(await stopDaemon(files().pidFile), true);
    assert.equal(processStart(pid), null);
    assert.ok(!existsSync(files().pidFile));
    assert.equal(await stopDaemon(files().pidFile), false);
  });

  test("that does not listen to the request to end is ended", async () => {
    const pid = await daemon("sh", ["-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"], files());
    for (let i = 0; i < 50 && !readFileSync(files().log, "utf8"); i += 1) await run("sleep", ["0.05"]);
    assert.equal(await stopDaemon(files().pidFile, 200), true);
    assert.equal(processStart(pid), null);
  });

  test("is not mistaken for another process that has its pid", async () => {
    writeFileSync(files().pidFile, `${process.pid} ${processStart(process.pid)}\n`);
    assert.equal(daemonPid(files().pidFile), process.pid);
    // Were this taken for the daemon, the test itself would be ended.
    writeFileSync(files().pidFile, `${process.pid} 1\n`);
    assert.equal(daemonPid(files().pidFile), null);
    assert.equal(await stopDaemon(files().pidFile), false);
    for (const text of ["", "\n", "nonsense", "0 0", `${process.pid}`]) {
      writeFileSync(files().pidFile, text);
      assert.equal(daemonPid(files().pidFile), null, JSON.stringify(text));
    }
  });

  test("that cannot be started is one sentence and no pid file", async () => {
    await assert.rejects(daemon("no-such-command", [], files()), sentence(/cannot be started/));
    assert.ok(!existsSync(files().pidFile));
  });
});

describe("the cache", () => {
  test("is where CATALOG_CACHE says, else XDG_CACHE_HOME, and is made", () => {
    assert.equal(cacheDir("a", "b"), join(base, "cache", "a", "b"));
    assert.ok(existsSync(join(base, "cache", "a", "b")));
    process.env.CATALOG_CACHE = "";
    process.env.XDG_CACHE_HOME = folder;
    assert.equal(cacheDir(), join(folder, "image-catalog"));
  });

  test("knows checksums and the free room of what is not there yet", async () => {
    writeFileSync(join(folder, "f"), "abc");
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.equal(await sha256File(join(folder, "f")), abc);
    assert.ok(freeBytes(join(folder, "not", "yet")) > 0);
  });

  test("makes a thing once, whole, also when asked twice at the same time", async () => {
    let made = 0;
    const path = join(folder, "thing");
    const make = async (temporary: string) => {
      made += 1;
      assert.ok(!existsSync(path));
      writeFileSync(temporary, "whole");
    };
    assert.deepEqual(await Promise.all([once(path, make), once(path, make)]), [path, path]);
    await once(path, make);
    assert.equal(made, 1);
    assert.equal(readFileSync(path, "utf8"), "whole");
  });

  test("keeps nothing of what failed, and passes the reason on", async () => {
    const path = join(folder, "thing");
    const failing = once(path, (temporary) => {
      mkdirSync(temporary);
      writeFileSync(join(temporary, "half"), "");
      throw new GroundError("no luck");
    });
    await assert.rejects(failing, /no luck/);
    assert.deepEqual(readdirSync(folder), []);
    await once(path, (temporary) => mkdirSync(temporary));
    assert.deepEqual(readdirSync(folder), ["thing"]);
  });

  test("removes what a killed run left, and not what a living one makes", async () => {
    const living = `.thing.making-${process.pid}-${processStart(process.pid)}-99`;
    for (const name of [".thing.making-1-0-1", living, ".thing2.making-1-0-1"]) mkdirSync(join(folder, name));
    await once(join(folder, "thing"), (temporary) => mkdirSync(temporary));
    assert.deepEqual(readdirSync(folder).sort(), [living, ".thing2.making-1-0-1", "thing"].sort());
  });

  test("takes the folder of another process that was faster", async () => {
    const path = join(folder, "thing");
    await once(path, (temporary) => {
      mkdirSync(temporary);
      mkdirSync(path);
      writeFileSync(join(path, "theirs"), "");
    });
    assert.deepEqual(readdirSync(folder), ["thing"]);
    assert.deepEqual(readdirSync(path), ["theirs"]);
  });

  test("lets one work of a name run at a time, and goes on after a failure", async () => {
    let inside = 0;
    const work = async () => {
      inside += 1;
      assert.equal(inside, 1);
      await run("sleep", ["0.05"]);
      inside -= 1;
      return "done";
    };
    await assert.rejects(
      exclusively("test", () => Promise.reject(new Error("no luck"))),
      /no luck/,
    );
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on("warning", listen);
    const many = Array.from({ length: 12 }, () => exclusively("test", work));
    assert.deepEqual(new Set(await Promise.all(many)), new Set(["done"]));
    process.off("warning", listen);
    assert.deepEqual(warnings, []);
  });
});

describe("users of engine and builder", () => {
  test("are the other processes that have said so and still run, however they end", async () => {
    const before = otherUsers();
    use();
    assert.deepEqual(otherUsers(), before);
    const child = await startUser(process.env);
    assert.deepEqual(
      otherUsers().filter((pid) => !before.includes(pid)),
      [child.pid],
    );
    await killUser(child);
    assert.deepEqual(otherUsers(), before);
  });
});

describe("the engine", () => {
  test("that DOCKER_HOST names and that does not answer is one sentence, and nothing is installed", async () => {
    await assert.rejects(
      ensureDocker(),
      sentence(/No Docker engine answers at DOCKER_HOST=unix:.*none\.sock/),
    );
    const { ok, text } = await checkDocker();
    assert.equal(ok, false);
    assert.match(text, /DOCKER_HOST/);
  });

  test("that answers is used as it is", async () => {
    script(join(folder, "docker"), "echo 29.1.2");
    process.env.PATH = `${folder}:${process.env.PATH}`;
    assert.deepEqual(await ensureDocker(), { version: "29.1.2", why: "running", startedByUs: false });
    assert.deepEqual(await checkDocker(), { ok: true, text: "29.1.2, running" });
  });

  test("that this user may not use says which group", async () => {
    delete process.env.DOCKER_HOST;
    script(
      join(folder, "docker"),
      'test "$1" = context && echo default && exit',
      "echo permission denied. >&2; exit 1",
    );
    process.env.PATH = `${folder}:${process.env.PATH}`;
    await assert.rejects(ensureDocker(), sentence(/docker group/));
  });

  test("of another context that does not answer is not replaced by one of this host", async () => {
    delete process.env.DOCKER_HOST;
    script(join(folder, "docker"), 'test "$1" = context && echo far && exit', "echo no route >&2; exit 1");
    process.env.PATH = `${folder}:${process.env.PATH}`;
    await assert.rejects(ensureDocker(), sentence(/context far \(no route\)/));
  });
});

describe("a port", () => {
  test("is free, or held by another process, or by a container with its labels", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    assert.equal(await portHolder(port), "another process");
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await portHolder(port), null);

    script(join(folder, "docker"), `printf 'web\\ta=b\\t127.0.0.1:${port}->80/tcp\\n'`);
    process.env.PATH = `${folder}:${process.env.PATH}`;
    assert.equal(await portHolder(port), "the container web (a=b)");
    script(join(folder, "docker"), `printf 'web\\ta=b\\t192.0.2.1:${port}->80/tcp\\n'`);
    assert.equal(await portHolder(port), null);
  });
});

describe("Pulumi", () => {
  const [docker, build] = ["docker", "docker-build"].map((name) => {
    const file = join(import.meta.dirname, "../../node_modules/@pulumi", name, "package.json");
    return JSON.parse(readFileSync(file, "utf8")).version as string;
  });

  /** A home of Pulumi with a CLI of this version and the plugins that the program wants. */
  function home(version: string, plugins = [`docker-v${docker}`, `docker-build-v${build}`]): string {
    delete process.env.CATALOG_NO_PULUMI;
    process.env.PATH = "/usr/bin:/bin";
    process.env.PULUMI_HOME = folder;
    for (const plugin of plugins) {
      const name = plugin.replace(/-v.*/, "");
      script(join(folder, "plugins", `resource-${plugin}`, `pulumi-resource-${name}`));
    }
    return script(
      join(folder, "bin", "pulumi"),
      `test "$1" = version && echo v${version} && exit`,
      "echo 'error: no way out' >&2; exit 1",
    );
  }

  test("is hidden by CATALOG_NO_PULUMI", async () => {
    home("3.270.0");
    process.env.CATALOG_NO_PULUMI = "1";
    assert.deepEqual(await findPulumi(), { found: false, why: "hidden by CATALOG_NO_PULUMI" });
    assert.deepEqual(await checkPulumi(), await findPulumi());
  });

  test("is found in its home, with its plugins", async () => {
    const command = home("3.260.0");
    const found = await findPulumi();
    assert.ok(found.found, JSON.stringify(found));
    assert.equal(found.command, command);
    assert.equal(found.version, "3.260.0");
    assert.deepEqual(
      found.plugins.map(({ name, version }) => `${name} ${version}`),
      [`docker ${docker}`, `docker-build ${build}`],
    );
    assert.ok(found.plugins.every((plugin) => existsSync(plugin.folder)));
  });

  test("that is too old says so, with both versions and where another is looked for", async () => {
    home("3.99.1");
    const { found, why } = await checkPulumi();
    assert.equal(found, false);
    assert.match(why, /3\.99\.1, older than 3\.260\.0.* PATH and in /);
  });

  test("without a plugin says which, why, and in which folder it is looked for", async () => {
    home("3.270.0", [`docker-v${docker}`]);
    const seen = await findPulumi();
    assert.ok(!seen.found);
    assert.match(
      seen.why,
      /plugin docker-build [\d.]+ is missing \(no way out\).*resource-docker-build-v[\d.]+/,
    );
    // An empty folder is what a download that was cut off leaves; the CLI itself takes it for installed.
    mkdirSync(join(folder, "plugins", `resource-docker-build-v${build}`));
    assert.match((await checkPulumi()).why, /its folder is there, but not its program/);
  });
});
