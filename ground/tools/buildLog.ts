import { stripVTControlCharacters } from "node:util";
import { diagnose } from "./diagnose.ts";
import { lastLine } from "./exec.ts";

/** BuildKit's error for a command: what it was and how it ended. */
const PROCESS = /process "(?:\/bin\/sh -c )?(.*)" did not complete successfully: exit code: (\d+)/;
/** What a line of output says where it is the reason; tools print hints and summaries after it. */
const REASON = /\b(error|fatal|failed|cannot|unable|invalid|denied|not found|no such)\b/i;
/** A step that reads or writes a build cache. Where it fails, the build goes on. */
const CACHE = /^#(\d+) (?:importing|exporting) cache /gm;
/** What make says of any command that failed. */
const MAKE = /^make(\[\d+\])?: \*\*\*/;

/**
 * Why a build failed, out of BuildKit's plain progress: `#7 [3/3] RUN make`, `#7 0.1 no rule`, `#7 ERROR: process …`.
 * What is no such progress is answered with its known cause, or its last line.
 *
 * The provider hands on each line as it comes, and ends with the build: of its log the end may be missing
 * (pulumi-docker-build 0.0.22, client.go:166), and with it the step's last lines.
 * @example 'RUN install-python.sh "3.12.11" failed with code 1: configure: error: no acceptable C compiler found'
 */
export function reasonOf(log: string): string {
  // Of what was tried again, the last time.
  const whole =
    stripVTControlCharacters(log)
      .split(/^(?=#0 building with )/m)
      .at(-1) ?? "";
  const cache = new Set([...whole.matchAll(CACHE)].map(([, step]) => step));
  const lines = whole.split(/\r?\n/).filter((line) => !cache.has(/^#(\d+) /.exec(line)?.[1] ?? ""));
  const text = lines.join("\n");
  const [, command = "", code] = PROCESS.exec(text) ?? [];
  const [, failed, error] = /^#(\d+) ERROR: (.*)/m.exec(text) ?? [];
  if (code === undefined && failed === undefined) {
    return diagnose(text) ?? lastLine(text).replace(/^error: /i, "");
  }
  const step = failed ?? lastOpen(lines);
  const own = lines.flatMap((line) => (line.startsWith(`#${step} `) ? line.slice(`#${step} `.length) : []));
  const output = own.flatMap((line) => /^\d+\.\d+ (.*)/.exec(line)?.[1] ?? []);
  const what = shown(own[0] ?? `RUN ${command.replaceAll('\\"', '"')}`);
  const cause = diagnose([error ?? "", ...output].join("\n"));
  if (cause !== undefined) return `${what} failed. ${cause}`;
  if (code === undefined) return `${what} failed: ${error}`;
  const said = essential(output);
  if (failed !== undefined) return `${what} failed with code ${code}: ${said || "it printed nothing"}`;
  return `${what} failed with code ${code}; ${said ? `what arrived last: ${said}` : "nothing that it printed has arrived"}`;
}

/** The last command that has begun and not ended. */
function lastOpen(lines: readonly string[]): string | undefined {
  const begun = lines.flatMap((line) => /^#(\d+) \[[^\]]*\] RUN /.exec(line)?.[1] ?? []);
  return begun.findLast(
    (step) => !lines.some((line) => /^#(\d+) (DONE|CACHED|CANCELED)/.exec(line)?.[1] === step),
  );
}

/** A step without its number and its mounts, short enough for a message. */
function shown(step: string): string {
  const text = step
    .replace(/^\[[^\]]*\] /, "")
    .replace(/^(\w+)( --\S+)+/, "$1")
    .replaceAll(/\s+/g, " ");
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}

/**
 * The instruction of a Dockerfile that an image's history has for a layer.
 * @param createdBy such as "RUN |1 VERSION=3 /bin/sh -c make # buildkit".
 */
export function instructionOf(createdBy: string): string {
  return shown(createdBy.replace(/^RUN (\|\d+ .*? )?\/bin\/sh -c /s, "RUN ").replace(/ # buildkit$/, ""));
}

/** The last line that names a reason, else the last one. */
function essential(output: readonly string[]): string {
  const reason = output.slice(-20).findLast((line) => REASON.test(line) && !MAKE.test(line));
  return reason?.trim() ?? lastLine(output.join("\n"));
}
