import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { healthcheck } from "../../../components/containerService.ts";
import { run } from "../../../ground/tools/exec.ts";
import { load } from "../../../ground/tools/load.ts";
import { docker, hardened, type Rule } from "./rule.ts";

/** How long services are under load, in seconds; a minute, where it is to be sure. */
const LOAD = Number(process.env.CATALOG_TEST_LOAD ?? 5);

/** The health check that the program gives containers, as `docker run` takes it. */
const { tests, interval, timeout, startPeriod, retries } = healthcheck(5000);
const health = [
  ...["--health-cmd", tests.slice(1).join(" "), "--health-interval", interval, "--health-timeout", timeout],
  ...["--health-start-period", startPeriod, "--health-retries", `${retries}`],
];

/** Runs a container until it is healthy, does something with it, and has it end when it is told to, without being killed. */
async function whileServing(
  options: readonly string[],
  work: (container: string, url: string) => Promise<void>,
): Promise<void> {
  const published = ["--publish", "127.0.0.1::5000"];
  const container = await docker(["run", "--detach", ...published, ...health, ...options]);
  try {
    await healthy(container);
    const url = `http://${await docker(["port", container, "5000"])}/`;
    assert.equal(await answer(url), "Hello, World!");
    await work(container, url);
    await docker(["stop", container]);
    const code = await docker(["inspect", "--format", "{{.State.ExitCode}}", container]);
    assert.notEqual(code, "137", "it was killed, as it did not end by itself");
  } finally {
    await run("docker", ["rm", "--force", container]);
  }
}

const answer = async (url: string) => (await fetch(url)).text();

/** Waits until a container is healthy; three checks that fail after the start are enough. */
async function healthy(container: string): Promise<void> {
  const until = Date.now() + 25_000;
  const format = "{{.State.Status}} {{.State.Health.Status}} {{.State.Health.FailingStreak}}";
  for (;;) {
    const [status, health, failing] = (await docker(["inspect", "--format", format, container])).split(" ");
    if (status === "running" && health === "healthy") return;
    const waiting = status === "running" && Number(failing) < 3 && Date.now() < until;
    assert.ok(waiting, `the container is ${status} and ${health}`);
    await sleep(200);
  }
}

/** As the program runs it: with no rights and nothing to write to. @param check what else it must be while it answers. */
const serves = (of: string, check: (container: string, url: string) => Promise<void>): Rule => ({
  of,
  what: "answers without rights on a read-only root file system, under load too, and stops when it is told to",
  check: async ({ ref }) => {
    const options = [...hardened, "--memory", "256m", "--env", "WEB_CONCURRENCY=2", ref];
    await whileServing(options, async (container, url) => {
      await check(container, url);
      const { perSecond, failures } = await load(url, LOAD);
      assert.equal(failures, 0, `${failures} requests failed`);
      assert.ok(perSecond > 0, "nothing was answered");
    });
  },
});

/** Under a WSGI server, with as many workers as it is told. */
async function gunicorn(container: string): Promise<void> {
  const processes = await docker(["top", container, "-eo", "pid,args"]);
  assert.equal(processes.match(/gunicorn/g)?.length, 3, processes);
}

/** What applications must be that answer. */
export const services: readonly Rule[] = [
  serves("flask-helloworld", gunicorn),
  {
    of: "flask-helloworld",
    what: "runs by `flask run` where there is no WSGI server, and stops when it is told to",
    check: async ({ ref }) => {
      const command = 'if server=$(command -v gunicorn); then rm "$server"; fi; exec serve';
      await whileServing([ref, "sh", "-c", command], async (container) => {
        assert.match(await docker(["top", container]), /flask run/);
      });
    },
  },
  serves("django-hello", gunicorn),
  serves("java-helloworld", async (_, url) => {
    assert.equal(await answer(`${url}index`), "Hello, World!");
    assert.equal((await fetch(`${url}nowhere`)).status, 404);
  }),
];
