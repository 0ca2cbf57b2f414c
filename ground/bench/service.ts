import { setTimeout as sleep } from "node:timers/promises";
import { must, run } from "../tools/exec.ts";
import { load } from "../tools/load.ts";
import { GroundError, note } from "../tools/log.ts";
import { inCopy } from "./copy.ts";
import type { Bench, Figure } from "./figures.ts";
import { builtChain, ofDistribution, type Runner, runner } from "./runners.ts";

const [WORKERS, CONNECTIONS, SECONDS] = [2, 50, 10];

/** How many requests a second the final container answers, beside the same on the distribution's own packages. */
export function service(bench: Bench): Promise<Figure[]> {
  return inCopy(async (copy) => {
    const chain = await builtChain(bench, copy, "service");
    const runners = [runner("catalog", chain), await ofDistribution(bench, copy, chain)] as const;
    const [first, second] = await answersOf(bench, runners);
    return [
      {
        title: "flask-helloworld, and the same on the distribution's Python, Flask and gunicorn",
        method:
          `Requests answered in a second by ${WORKERS} workers, over ${CONNECTIONS} connections, for ${SECONDS} s each time, one ` +
          "after the other. More is better. Who asks has the same cores.",
        sides: [runners[0].what, runners[1].what],
        unit: "/s",
        rows: [{ what: "requests answered", first: first ?? [], second: second ?? [] }],
      },
    ];
  });
}

/** How many requests a second services answer, in turns. @returns of each of them. */
async function answersOf(bench: Bench, runners: readonly Runner[]): Promise<number[][]> {
  const containers: string[] = [];
  try {
    const urls: string[] = [];
    for (const { service } of runners) {
      const environment = ["--env", `WEB_CONCURRENCY=${WORKERS}`, "--publish", "127.0.0.1::5000"];
      const { stdout } = await must("docker", ["run", "--detach", ...environment, ...service]);
      containers.push(stdout.trim());
      urls.push(await urlOf(stdout.trim()));
    }
    const answers = runners.map(() => [] as number[]);
    for (let i = 0; i < bench.repeat; i++) {
      for (const [k, url] of urls.entries()) {
        bench.signal.throwIfAborted();
        const { perSecond, failures } = await load(url, SECONDS, CONNECTIONS);
        if (failures > 0) throw new GroundError(`${failures} requests to the ${runners[k]?.what} failed.`);
        note("bench", `requests a second, ${runners[k]?.what}: ${perSecond.toFixed(0)}`);
        answers[k]?.push(perSecond);
      }
    }
    return answers;
  } finally {
    for (const container of containers) await run("docker", ["rm", "--force", container]);
  }
}

/** Where a container answers, as soon as it does. @throws GroundError if it does not within 20 s. */
async function urlOf(container: string): Promise<string> {
  const { stdout } = await must("docker", ["port", container, "5000"]);
  const url = `http://${stdout.trim()}/`;
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return url;
    await sleep(200);
  }
  const { stderr } = await run("docker", ["logs", container]);
  throw new GroundError(`A service does not answer: ${stderr.trim().split("\n").at(-1)}`);
}
