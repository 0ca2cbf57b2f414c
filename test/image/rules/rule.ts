import assert from "node:assert/strict";
import { run } from "../../../ground/tools/exec.ts";

/** An image of the catalog as the engine on this machine has it. */
export interface Subject {
  /** The image's name, such as "python". */
  readonly image: string;
  readonly version: string;
  /** What `docker run` takes. */
  readonly ref: string;
  /** The namespace of its labels. */
  readonly namespace: string;
  /** The images that it is built from, nearest first, and itself before them; "python-slim" before the "python" that it is. */
  readonly line: readonly string[];
}

/** What an image must be; every descendant of `of` must be it too. */
export interface Rule {
  /** The image that it is written for; `*` stands for all. */
  readonly of: string;
  readonly what: string;
  readonly check: (subject: Subject) => Promise<void>;
}

/** What `docker` prints. */
export async function docker(args: readonly string[], input?: string): Promise<string> {
  const result = await run("docker", args, { timeout: 60_000, ...(input === undefined ? {} : { input }) });
  assert.equal(result.code, 0, `docker ${args.join(" ")}\n${result.stderr}`);
  return result.stdout.trim();
}

/** What an image's command prints, as people run it. */
export const started = ({ ref }: Subject, ...command: string[]) => docker(["run", "--rm", ref, ...command]);

/** A container for each image, in which commands are executed: each would take five times as long to start by itself. */
const containers = new Map<string, Promise<string>>();

/** It is read-only, so that it stays what the image is. */
function containerOf({ ref }: Subject): Promise<string> {
  const idle = ["--entrypoint", "tail", ref, "-f", "/dev/null"];
  const container = containers.get(ref) ?? docker(["run", "--detach", "--read-only", ...idle]);
  containers.set(ref, container);
  return container;
}

/** Removes what commands were executed in. */
export async function release({ ref }: Subject): Promise<void> {
  const container = containers.get(ref);
  containers.delete(ref);
  if (container) await run("docker", ["rm", "--force", await container]);
}

/** What a command prints in an image. */
export const inside = async (subject: Subject, ...command: string[]) =>
  docker(["exec", await containerOf(subject), ...command]);

/** What a shell prints that may read everything. */
export const asRoot = async (subject: Subject, script: string) =>
  docker(["exec", "--user", "0", await containerOf(subject), "sh", "-c", script]);

/** What an image says of how it is run. */
export const configOf = async ({ ref }: Subject) =>
  JSON.parse(await docker(["image", "inspect", "--format", "{{json .Config}}", ref])) as {
    Entrypoint: string[];
    Cmd: string[] | null;
    User: string;
    WorkingDir: string;
    Labels: Record<string, string>;
    Env: string[];
    ExposedPorts?: Record<string, object>;
  };

/** The rights that services have: none, and nowhere to write but in memory. */
export const hardened = [
  ...["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
];

/** The version of a tool, as an image's label says it. */
export const labelOf = async (subject: Subject, tool: string): Promise<string | undefined> =>
  (await configOf(subject)).Labels[`${subject.namespace}.${tool}.version`];

/** Asserts that a service's image says where it answers, and has a setting in its environment, such as "PORT=5000". */
export async function serves(subject: Subject, setting: string): Promise<void> {
  const { Env: env, ExposedPorts: ports } = await configOf(subject);
  assert.ok(env.includes(setting), env.join(" "));
  assert.deepEqual(Object.keys(ports ?? {}), ["5000/tcp"]);
}
