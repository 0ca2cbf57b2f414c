import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { call, ensureBuildx } from "../../ground/machine/buildx.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { cacheDir } from "../../ground/tools/cache.ts";
import { daemonPid, stopDaemon } from "../../ground/tools/daemon.ts";
import { type Result, run } from "../../ground/tools/exec.ts";
import { previewed, select, noEngine as skip } from "../support/engine.ts";
import { noOwnBuilder } from "../support/ownBuilder.ts";
import { lastWords } from "../support/stage.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import type { Workspace } from "../support/workspace.ts";

// docs/faults.md: what is killed in the middle of a build. The images are stand-ins, and one of them takes its time.
const layer = "python-3.13-debian-13";
const quick = `ARG PARENT=scratch
FROM \${PARENT}
ARG PYTHON_VERSION
RUN echo "$PYTHON_VERSION" >/python
`;

let workspace: Workspace;
let engine: Stack;

before(async () => {
  if (skip) return;
  await ensureDocker();
  workspace = await makeStandIns({ pythons: [python("3.13.5")], applications: [] });
  succeeds(await up());
  engine = await select(workspace);
});
after(() => workspace?.remove());

const args = () => ["up", "--stack", workspace.stack, "--engine"];
const up = (env = {}) => workspace.npm(args(), env);
const succeeds = ({ code, stdout, stderr }: Result) => assert.equal(code, 0, `${stdout}\n${stderr}`);

let change: string;
/** Starts an `up` that builds an image, and waits until it is in the middle of a command that takes its time. */
async function inTheMiddle(seconds: number, env: Record<string, string> = {}) {
  change = randomBytes(6).toString("hex");
  const command = `RUN sleep ${seconds} && echo ${change}`;
  workspace.write("images/python/Dockerfile", `${quick}${command}\n`);
  const { child, output } = workspace.start(args(), env);
  const exit = once(child, "exit");
  while (!output().includes(`] ${command}`)) {
    assert.equal(child.exitCode, null, output());
    await sleep(100);
  }
  const ended = async (): Promise<Result> => {
    const [code] = await exit;
    return { code: code as number, stdout: output(), stderr: output() };
  };
  return { child, ended };
}

/** The next `up` finishes the work, and nothing is left to do. */
async function finishes(env = {}): Promise<Result> {
  workspace.write("images/python/Dockerfile", `${quick}RUN echo ${change}\n`);
  const result = await up(env);
  succeeds(result);
  const { deployment } = (await engine.exportStack()) as { deployment: { pending_operations?: object[] } };
  assert.deepEqual(deployment.pending_operations ?? [], []);
  assert.deepEqual(await previewed(engine), []);
  return result;
}

const engines = async () => {
  const { stdout } = await run("pgrep", ["-f", `pulumi up .*--stack ${workspace.stack} `]);
  return stdout.split("\n").filter(Boolean).map(Number);
};

test("`pulumi` killed with SIGKILL", { skip }, async () => {
  const { ended } = await inTheMiddle(30);
  for (const pid of await engines()) process.kill(pid, "SIGKILL");
  assert.match(lastWords(await ended()), /^✗ `pulumi up` was killed\. The same command goes on from here\.$/);
  const { stdout } = await finishes();
  assert.match(
    stdout,
    /^· state +lock of a killed run \(process \d+\) removed, and \d+ processes that it had left$/m,
  );
  assert.match(stdout, new RegExp(`^· state +${layer}-image: interrupted, done again$`, "m"));
});

test("Ctrl-C", { skip }, async () => {
  const { child, ended } = await inTheMiddle(30);
  // As a terminal does: the signal is for all of its processes.
  process.kill(-(child.pid as number), "SIGINT");
  assert.match(lastWords(await ended()), /^✗ Interrupted\. The same command goes on from here\.$/);
  await finishes();
});

test("two `up`s at once", { skip }, async () => {
  const { ended } = await inTheMiddle(20);
  const second = await up();
  assert.match(
    lastWords(second),
    /^✗ Another update of stack test-\w+ is under way: process \d+ of \w+ on \S+, since \S+ \d\d:\d\d\. Wait for it to end; /,
  );
  succeeds(await ended());
  await finishes();
});

test("a builder killed in the middle of a build", { skip: skip || noOwnBuilder }, async () => {
  // A cache of its own, and with it a builder of its own, which `npm run up` starts by itself.
  const cache = mkdtempSync(join(tmpdir(), "icat-"));
  for (const part of ["apt", "bin", "debian", "sources"]) symlinkSync(cacheDir(part), join(cache, part));
  mkdirSync(join(cache, "run"));
  const pidFile = join(cache, "run", "buildkitd.pid");
  const env = { CATALOG_CACHE: cache };
  const builder = workspace.stack;
  workspace.configure((config) => ({ ...config, "catalog:builder": builder }));
  try {
    const { ended } = await inTheMiddle(20, env);
    process.kill(daemonPid(pidFile) as number, "SIGKILL");
    assert.match(
      lastWords(await ended()),
      new RegExp(
        `^ {2}- ${layer}: .*The builder has ended in the middle of it: \`npm run up\` starts it again\\.$`,
        "m",
      ),
    );
    const { stdout } = await finishes(env);
    assert.match(stdout, /^✓ builder +.*, started again$/m);
  } finally {
    await call(await ensureBuildx(), ["rm", "--keep-daemon", builder]);
    await stopDaemon(pidFile);
    // What it was building on when it was killed is still mounted.
    const { stdout } = await run("findmnt", ["--raw", "--noheadings", "--output", "TARGET"]);
    for (const mount of stdout.split("\n").filter((path) => path.startsWith(`${cache}/`)))
      await run("umount", ["--lazy", mount]);
    rmSync(cache, { recursive: true });
  }
});
