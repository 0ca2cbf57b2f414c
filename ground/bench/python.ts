import { join } from "node:path";
import { chooseStack } from "../commands/prepare.ts";
import type { Images } from "../program/sizes.ts";
import { GroundError, note } from "../tools/log.ts";
import { type Copy, inCopy } from "./copy.ts";
import { distribution } from "./distribution.ts";
import type { Bench, Figure, Row } from "./figures.ts";
import type { Project } from "./project.ts";
import { interpreterTimes, meanRatio } from "./pyperformance.ts";
import { realChain } from "./realChain.ts";
import { ASKED, answersOf } from "./service.ts";
import { said, UP } from "./turns.ts";

/** Something that runs Python. */
export interface Runner {
  readonly what: string;
  /** An image with the interpreter. */
  readonly interpreter: string;
  /** What `docker run` is given for the service. */
  readonly service: readonly string[];
}

/** How fast Python is, and a service that it answers for, beside the distribution's own. */
export function python(bench: Bench): Promise<Figure[]> {
  return inCopy(async (copy) => {
    const { config } = await chooseStack();
    const optimized = { pythons: config.pythons.map((python) => ({ ...python, optimize: true })) };
    const plain = await chain(bench, copy, "plain");
    const profiled = await chain(bench, copy, "optimized", optimized);
    const os = refOf(plain.images, /^[a-z]+-[\d.]+$/);
    const other = ofDistribution(copy, await distribution(bench, plain.project, os));
    const runners = [runner("catalog, optimized", profiled.images), runner("catalog", plain.images)];

    const times = await interpreterTimes(bench, [...runners, other]);
    const answers = await answersOf(bench, [...runners, other]);
    const rows = (measured: ReadonlyMap<string, readonly (readonly number[])[]>, i: number): Row[] =>
      [...measured].map(([what, of]) => ({ what, first: of[i] ?? [], second: of.at(-1) ?? [] }));
    return runners.flatMap(({ what }, i) => [
      {
        title: `Python, of the ${what}, and the distribution's`,
        method:
          "CPython in the slim image and the operating system's own of the same series, in containers of the same operating " +
          "system, one after the other, by some of pyperformance's benchmarks.",
        sides: [what, other.what],
        unit: "ms",
        rows: rows(times, i),
        remarks: [`The geometric mean of the ratios of minima is ${meanRatio(rows(times, i)).toFixed(3)}.`],
      },
      {
        title: `flask-helloworld, of the ${what}, and on the distribution's Flask and gunicorn`,
        method: `${ASKED} More is better. Who asks has the same cores.`,
        sides: [what, other.what],
        unit: "/s",
        rows: rows(answers, i),
      },
    ]);
  });
}

interface Chain {
  readonly project: Project;
  readonly images: Images;
}

/** The real chain, built, and what of it runs in the engine. */
async function chain(bench: Bench, copy: Copy, name: string, more = {}): Promise<Chain> {
  const project = await realChain(bench, copy, more, name);
  note(
    "bench",
    `building the real chain, ${name}; a CPython that is not in the builder's cache takes minutes…`,
  );
  await said(`the real chain, ${name}`, project.timed(...UP));
  const images = await project.images();
  await project.pull(...Object.values(images).map(({ ref }) => ref));
  return { project, images };
}

const runner = (what: string, images: Images): Runner => ({
  what,
  interpreter: refOf(images, /^python-.*-slim-/),
  service: [refOf(images, /^flask-helloworld$/)],
});

/** The same application, by the distribution's own packages. */
function ofDistribution({ folder }: Copy, image: string): Runner {
  const files = join(folder, "images/flask-helloworld");
  const mounts = ["app", "server"].flatMap((name) => ["--volume", `${join(files, name)}:/${name}:ro`]);
  const options = ["--workdir", "/app", "--env", "FLASK_APP=helloworld.py"];
  const command = [
    "gunicorn",
    "--bind=0.0.0.0:5000",
    "--threads=4",
    "--worker-tmp-dir=/dev/shm",
    "--pythonpath=/server",
  ];
  return {
    what: "distribution",
    interpreter: image,
    service: [...mounts, ...options, image, ...command, "wsgi:application"],
  };
}

/** @throws GroundError where a stack has no such image. */
function refOf(images: Images, pattern: RegExp): string {
  const [, image] = Object.entries(images).find(([name]) => pattern.test(name)) ?? [];
  if (image === undefined) throw new GroundError(`The stack has no image ${pattern.source}.`);
  return image.ref;
}
