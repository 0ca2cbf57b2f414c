import { type Outside, Refused } from "./outside.ts";

/** Who did not answer, and why. */
export class NoAnswer extends Error {
  readonly place: string;
  readonly reason: string;
  constructor(place: string, reason: string) {
    super(`${place}: ${reason}`);
    this.place = place;
    this.reason = reason;
  }
}

/** So many questions are under way at once: what answers is often one and the same server. */
const PARALLEL = 8;
/** Reading a suite's lists takes longer than any other answer, in milliseconds. */
const LISTS = 90_000;

/**
 * The same, with limits: nothing is asked twice, only so much at once, and a place that could not be reached is not
 * tried again. All failures are of the type NoAnswer.
 * @param answered called after each answer, whatever it is.
 */
export function guarded(outside: Outside, answered: (count: number) => void = () => {}): Outside {
  const known = new Map<string, Promise<unknown>>();
  const unreached = new Map<string, NoAnswer>();
  const turn = turns(PARALLEL);
  let count = 0;

  function ask<T>(place: string, question: string, work: () => Promise<T>): Promise<T> {
    const before = known.get(question);
    if (before) return before as Promise<T>;
    const answer = turn(async () => {
      const failure = unreached.get(place);
      if (failure) throw failure;
      try {
        return await work();
      } catch (error) {
        const failed = new NoAnswer(place, (error as Error).message.replace(/\.$/, ""));
        if (!(error instanceof Refused)) unreached.set(place, failed);
        throw failed;
      } finally {
        count += 1;
        answered(count);
      }
    });
    known.set(question, answer);
    return answer;
  }

  return {
    tagsOf: (image) => ask(registryOf(image), `tags ${image}`, () => outside.tagsOf(image)),
    digestOf: (image) => ask(registryOf(image), `digest ${image}`, () => outside.digestOf(image)),
    refsOf: (url) => ask(hostOf(url), `refs ${url}`, () => outside.refsOf(url)),
    read: (url, accept) => ask(hostOf(url), `read ${url}`, () => outside.read(url, accept)),
    exists: (url) => ask(hostOf(url), `exists ${url}`, () => outside.exists(url)),
    debian: (suite) =>
      ask(`Debian ${suite}`, `debian ${suite}`, () => within(LISTS, () => outside.debian(suite))),
    npm: (name) => ask("the npm registry", `npm ${name}`, () => outside.npm(name)),
  };
}

/** Where an image without a host is: `debian:13` is Docker Hub's. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : "docker.io";
}

/** `github.com` of a URL; never a login in it. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

function turns(free: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

async function within<T>(limit: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limit / 1000} s`)), limit);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
