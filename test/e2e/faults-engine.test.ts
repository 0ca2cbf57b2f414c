import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { must, type Result } from "../../ground/tools/exec.ts";
import { noEngine, previewed, select } from "../support/engine.ts";
import { noOwnEngine, type OwnEngine, startEngine } from "../support/ownEngine.ts";
import { lastWords } from "../support/stage.ts";
import { answering, makeStandIns, python } from "../support/standIns.ts";
import type { Workspace } from "../support/workspace.ts";

// docs/faults.md: Docker's engine ends in the middle of an `up`. It is one of the test's own.
const skip = noEngine || noOwnEngine;
const application = "images/flask-helloworld";
let docker: OwnEngine;
let workspace: Workspace;

before(async () => {
  if (skip) return;
  await ensureDocker();
  docker = await startEngine();
  workspace = await makeStandIns({ pythons: [python("3.13.5")] }, { [application]: answering });
  Object.assign(workspace.env, docker.env);
});
after(async () => {
  await workspace?.remove();
  await docker?.remove();
});

const args = () => ["up", "--stack", workspace.stack, "--engine"];
const up = () => workspace.npm(args());
const succeeds = ({ code, stdout, stderr }: Result) => assert.equal(code, 0, `${stdout}\n${stderr}`);
const running = async () =>
  (await must("docker", ["ps", "--format", "{{.Names}}"], { env: docker.env })).stdout
    .trim()
    .split("\n")
    .sort();

test("Docker's engine ends in the middle of an `up`", { skip }, async (t) => {
  succeeds(await up());
  const containers = await running();
  assert.equal(containers.length, 2);

  /** An `up` that cannot push what it builds: the registry has ended with the engine. */
  const withoutEngine = async () => {
    const command = `RUN sleep 15 && echo ${randomBytes(6).toString("hex")}`;
    workspace.write(`${application}/Dockerfile`, `${answering}${command}\n`);
    const { child, output } = workspace.start(args());
    const exit = once(child, "exit");
    const until = async (text: string) => {
      while (!output().includes(text)) {
        assert.equal(child.exitCode, null, output());
        await sleep(50);
      }
    };
    await until(`] ${command}`);
    await docker.stop();
    await until("trying again");
    return { output, ended: async () => (await exit)[0] as number };
  };

  await t.test("started again, its containers are there and the same `up` goes on", async () => {
    const { output, ended } = await withoutEngine();
    await docker.start();
    assert.equal(await ended(), 0, output());
    assert.match(
      output(),
      /-image: the registry localhost:\d+ does not answer \(connection refused\); trying again/,
    );
    assert.equal((await running()).length, 2);
    assert.deepEqual(await previewed(await select(workspace)), []);
  });

  await t.test("gone for good, one sentence says so; started, the next `up` finishes", async () => {
    const { output, ended } = await withoutEngine();
    assert.match(
      lastWords({ code: await ended(), stdout: output(), stderr: output() }),
      /^ {2}- flask-helloworld: .*The registry localhost:\d+ does not answer \(connection refused\)\.$/m,
    );
    assert.match(lastWords(await up()), /^✗ No Docker engine answers at DOCKER_HOST=.*\.$/);
    await docker.start();
    succeeds(await up());
    assert.equal((await running()).length, 2);
    assert.deepEqual(await previewed(await select(workspace)), []);
  });
});
