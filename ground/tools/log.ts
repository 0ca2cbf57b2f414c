/**
 * What people read while the ground is prepared: one line a fact, the topic first, so that the lines align.
 */

/**
 * Something that is needed cannot be had. The message is one sentence for a person (what, where, what to do);
 * the command line prints it without a stack and exits with 1.
 */
export class GroundError extends Error {
  override name = "GroundError";
}

/** What a look that changes nothing has found, for `doctor`. */
export interface Finding {
  readonly ok: boolean;
  /** One line: what is there and why it was chosen, or what is missing and what to do. */
  readonly text: string;
}

let stream: NodeJS.WriteStream = process.stdout;

/** From here on the lines go to standard error: what a command prints is then its result alone. */
export function logToStderr(): void {
  stream = process.stderr;
}

const color = () => Boolean(stream.isTTY) && !process.env.NO_COLOR;

function line(sign: string, style: string, topic: string, text: string): void {
  const head = `${sign} ${topic.padEnd(9)}`;
  stream.write(`${color() ? `\x1b[${style}m${head}\x1b[0m` : head} ${text}\n`);
}

/** A thing is settled: `✓ docker    20.10.24, running`. */
export function say(topic: string, text: string): void {
  line("✓", "32", topic, text);
}

/** Something is under way or worth knowing: `· builder   compiling buildkitd v0.31.1, about 2 minutes…`. */
export function note(topic: string, text: string): void {
  line("·", "2", topic, text);
}

/** Something that the reader must not miss, though the work goes on: `! pulumi    not found, …`. */
export function warn(topic: string, text: string): void {
  line("!", "1;33", topic, text);
}
