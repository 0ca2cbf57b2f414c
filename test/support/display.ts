/** That the build of an image has begun or ended, out of what a command prints. */
export interface Turn {
  readonly image: string;
  readonly begins: boolean;
}

/** The builds that `pulumi up` shows, in their order: by a resource's first and last line. */
export function turnsOfPulumi(stdout: string): Turn[] {
  const line = /^ [+~]+ +docker-build:index:Image (\S+)-image (?:(creating|updating)|(created|updated))\b/gm;
  return turns(
    [...stdout.matchAll(line)].map(([, image = "", begins]) => ({ image, begins: begins !== undefined })),
  );
}

/** The builds that `bake` shows, in their order: a layer's first line of progress, and the one with its digest. */
export function turnsOfBake(stdout: string): Turn[] {
  const line = /^(?:(\S+) +\| #|✓ image +(\S+) )/gm;
  return turns(
    [...stdout.matchAll(line)].map(([, begun, ended]) => ({
      image: (begun ?? ended) as string,
      begins: begun !== undefined,
    })),
  );
}

/** Each image's first of either kind: a line is shown again when anything in it changes. */
function turns(all: readonly Turn[]): Turn[] {
  return all.filter(
    ({ image, begins }, i) => all.findIndex((turn) => turn.image === image && turn.begins === begins) === i,
  );
}

/** The images that were built to their end. */
export const builtIn = (turns: readonly Turn[]): string[] =>
  turns.flatMap(({ image, begins }) => (begins ? [] : image)).sort();

/** How many builds were open at once at most. */
export function mostOpen(turns: readonly Turn[]): number {
  let [open, most] = [0, 0];
  for (const { begins } of turns) {
    open += begins ? 1 : -1;
    most = Math.max(most, open);
  }
  return most;
}

/** The commands that `bake` shows, and whether a cache has had their results: here, or in the registry to be fetched. */
export function commandsOfBake(stdout: string): { image: string; command: string; cached: boolean }[] {
  const hits = new Set(
    [...stdout.matchAll(/^(\S+) +\| (#\d+) (?:CACHED|sha256:.*)$/gm)].map(([, ...of]) => of.join()),
  );
  return [...stdout.matchAll(/^(\S+) +\| (#\d+) \[[^\]]*\] (RUN .*)$/gm)].map(
    ([, image = "", step, command = ""]) => ({ image, command, cached: hits.has(`${image},${step}`) }),
  );
}
