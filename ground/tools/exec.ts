/** Other programs: run to their end, or started as daemons that outlive this process. */
import { spawn } from "node:child_process";
import { accessSync, constants as files, statSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { StringDecoder } from "node:string_decoder";
import { GroundError } from "./log.ts";

export interface RunOptions {
  /** Working directory. Default: this process's. */
  readonly cwd?: string;
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Standard input. Default: empty. */
  readonly input?: string | Uint8Array;
  /** Is given each line of the output as it comes. */
  readonly each?: (line: string) => void;
  /** Milliseconds after which the command is ended, with code 124. Default: no limit. */
  readonly timeout?: number;
  /** Interrupts the command, once: it runs in a group of its own, which a terminal's Ctrl-C does not reach. */
  readonly signal?: AbortSignal;
}

export interface Result {
  /** Exit code; 124 after a time-out, 127 when the command does not exist, 128 + n after signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** This process's environment with changes. */
export const environment = (extra: RunOptions["env"]): NodeJS.ProcessEnv => ({ ...process.env, ...extra });

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** Runs a command to its end and collects what it prints. Never throws for what the command does. */
export function run(cmd: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { cwd, signal: interruption } = options;
  const detached = interruption !== undefined;
  const child = spawn(cmd, args, { cwd, env: environment(options.env), stdio: "pipe", detached });
  const interrupt = () => child.kill("SIGINT");
  if (interruption?.aborted) interrupt();
  interruption?.addEventListener("abort", interrupt);
  const [stdout, stderr] = [new StringDecoder(), new StringDecoder()];
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (said.stdout += stdout.write(chunk)));
  child.stderr.on("data", (chunk: Buffer) => (said.stderr += stderr.write(chunk)));
  if (options.each) {
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", options.each);
  }
  // A command may end without reading its input; that is its own business.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input);

  let timedOut = false;
  const limit = options.timeout === undefined ? undefined : setTimeout(expire, options.timeout);
  function expire(): void {
    timedOut = true;
    said.stderr += `\nno answer in ${(options.timeout ?? 0) / 1000} s`;
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 2000).unref();
    // Grandchildren may hold the pipes open long after the command itself is gone.
    child.once("exit", () => {
      child.stdout.destroy();
      child.stderr.destroy();
    });
  }
  return new Promise((resolve) => {
    const finish = (code: number) => {
      clearTimeout(limit);
      interruption?.removeEventListener("abort", interrupt);
      resolve({ code: timedOut ? 124 : code, ...said });
    };
    child.once("error", (error: NodeJS.ErrnoException) => {
      said.stderr = error.message;
      finish(error.code === "ENOENT" ? 127 : 126);
    });
    child.once("close", (code, signal) => finish(exitCode(code, signal)));
  });
}

/** The last line that says something: where nearly every tool puts its reason. */
export function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "") ?? "";
}

/**
 * Like {@link run}, for a command that has to succeed.
 * @throws GroundError naming the command, its exit code and the last line that it printed.
 */
export async function must(cmd: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const result = await run(cmd, args, options);
  if (result.code === 0) return result;
  if (result.code === 127 && result.stderr.startsWith("spawn ")) {
    throw new GroundError(`${cmd} is not installed or not on PATH.`);
  }
  const reason = lastLine(result.stderr) || lastLine(result.stdout) || "it printed nothing";
  throw new GroundError(`\`${[cmd, ...args].join(" ")}\` failed with code ${result.code}: ${reason}`);
}

/**
 * Runs a command on this terminal and answers its exit code. Ctrl-C reaches the command from the terminal
 * itself; here it is only not died of, so that the command can end its work and have its code reported.
 * @throws GroundError when there is no such command.
 */
export async function inherit(
  cmd: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<number> {
  const child = spawn(cmd, args, { cwd: options.cwd, env: environment(options.env), stdio: "inherit" });
  const wait = () => {};
  const pass = () => child.kill("SIGTERM");
  process.on("SIGINT", wait);
  process.on("SIGTERM", pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", () => reject(new GroundError(`${cmd} is not installed or not on PATH.`)));
      child.once("exit", (code, signal) => resolve(exitCode(code, signal)));
    });
  } finally {
    process.off("SIGINT", wait);
    process.off("SIGTERM", pass);
  }
}

/** The path of an executable on PATH, or in a folder of system tools that users' PATHs often leave out. */
export function which(name: string): string | null {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  for (const folder of folders.filter(Boolean)) {
    const path = join(folder, name);
    try {
      accessSync(path, files.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not here
    }
  }
  return null;
}
