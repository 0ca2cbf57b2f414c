import { join } from "node:path";
import type { Images } from "../program/sizes.ts";
import { GroundError, note } from "../tools/log.ts";
import type { Copy } from "./copy.ts";
import { distribution } from "./distribution.ts";
import type { Bench } from "./figures.ts";
import type { Project } from "./project.ts";
import { realChain } from "./realChain.ts";
import { said, UP } from "./turns.ts";

/** Something that runs Python. */
export interface Runner {
  readonly what: string;
  /** An image with the interpreter. */
  readonly interpreter: string;
  /** What `docker run` is given for the service. */
  readonly service: readonly string[];
}

/** The real chain, built. */
export interface Chain {
  readonly project: Project;
  readonly images: Images;
}

/** The real chain, built, and what of it runs in the engine. */
export async function builtChain(bench: Bench, copy: Copy, name: string, more = {}): Promise<Chain> {
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

/** What of a chain runs. @param what it is called. */
export const runner = (what: string, { images }: Chain): Runner => ({
  what,
  interpreter: refOf(images, /^python-.*-slim-/),
  service: [refOf(images, /^flask-helloworld$/)],
});

/** The same application on a chain's operating system, by the distribution's own packages. */
export async function ofDistribution(bench: Bench, { folder }: Copy, chain: Chain): Promise<Runner> {
  const image = await distribution(bench, chain.project, refOf(chain.images, /^[a-z]+-[\d.]+$/));
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
