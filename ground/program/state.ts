import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { token } from "../../components/hostLogin.ts";
import { trusted } from "../../components/trust.ts";
import type { Found } from "../machine/pulumi.ts";
import { COMPILED } from "../tools/compiled.ts";
import { processStart } from "../tools/daemon.ts";
import { lastLine, must, run } from "../tools/exec.ts";
import { GroundError, note, say } from "../tools/log.ts";
import { STACK_LABEL } from "./containers.ts";
import { endOrphans } from "./orphans.ts";
import { policyEnvironment } from "./policies.ts";
import type { Stack } from "./stack.ts";

/** What this checkout keeps for itself, ignored by git. */
const LOCAL = ".catalog";
/** Where a new state goes, and what encrypts its secrets, when the user is not logged in to Pulumi. */
const STATE = join(LOCAL, "state");
const PASSPHRASE = join(LOCAL, "passphrase");
/** For a shell: `. .catalog/env`. */
export const ENV_FILE = join(LOCAL, "env");

export interface State {
  /** What a `pulumi` of this project needs in its environment. */
  readonly env: Record<string, string>;
  readonly text: string;
}

/** Where Pulumi keeps the state: an existing login is respected, else a folder of this checkout. */
export function chooseBackend(): { url?: string; text: string } {
  if (loggedIn()) return { text: "the backend that you are logged in to" };
  return { url: ownBackend(), text: `in ${STATE}, as there is no \`pulumi login\`` };
}

/** Makes the state's folder, and the passphrase of its secrets, where there is no login. */
export function ensureState(): State {
  const { url, text } = chooseBackend();
  const env: Record<string, string> = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  mkdirSync(LOCAL, { recursive: true });
  if (url !== undefined) {
    mkdirSync(STATE, { recursive: true });
    env.PULUMI_BACKEND_URL = url;
  }
  const { PULUMI_CONFIG_PASSPHRASE: phrase, PULUMI_CONFIG_PASSPHRASE_FILE: file } = process.env;
  const passphrase = resolve(PASSPHRASE);
  if (url !== undefined && phrase === undefined && (file === undefined || file === passphrase)) {
    const made = `${randomBytes(24).toString("base64url")}\n`;
    if (!existsSync(PASSPHRASE)) writeFileSync(PASSPHRASE, made, { mode: 0o600 });
    env.PULUMI_CONFIG_PASSPHRASE_FILE = passphrase;
  }
  return { env, text };
}

/** Writes `.catalog/env`, with which a plain `pulumi` in a shell finds the same, and does it as `npm run up` does. */
export function writeEnv(
  { command }: Pick<Found, "command">,
  { env }: State,
  stack: Pick<Stack, "name" | "config">,
): void {
  const { config } = stack;
  const options: Record<string, string> = {
    NODE_COMPILE_CACHE: COMPILED,
    PULUMI_CONTINUE_ON_ERROR: "true",
    ...trustEnv(stack),
  };
  if (config.parallel > 0) options.PULUMI_PARALLEL = `${config.parallel}`;
  // They take a second, which a stack that nobody shares is spared.
  if (!config.registry.embedded) Object.assign(options, policyEnvironment());
  const lines = Object.entries({ ...env, ...options }).map(([key, value]) => `export ${key}='${value}'`);
  const bins = [fileURLToPath(new URL("../../node_modules/.bin", import.meta.url)), dirname(command)];
  writeFileSync(
    ENV_FILE,
    [...lines, `export PATH="${bins.join(delimiter)}${delimiter}$PATH"`, ""].join("\n"),
  );
}

/** What makes providers trust the CA of a stack's registry: a file with it and all that the system trusts. */
export function trustEnv({ name, config }: Pick<Stack, "name" | "config">): Record<string, string> {
  const { ca } = config.registry;
  if (ca === undefined) return {};
  mkdirSync(LOCAL, { recursive: true });
  const file = resolve(LOCAL, `ca-${name}.pem`);
  writeFileSync(file, trusted(ca).join("\n"));
  return { SSL_CERT_FILE: file };
}

const ownBackend = () => `file://${resolve(STATE)}`;

/** By environment or by file. What a shell has from `.catalog/env` is no login: it was chosen here. */
function loggedIn(): boolean {
  const { PULUMI_BACKEND_URL: url, PULUMI_ACCESS_TOKEN: accessToken } = process.env;
  if (url) return url !== ownBackend();
  if (accessToken) return true;
  try {
    const file = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "credentials.json");
    return Boolean((JSON.parse(readFileSync(file, "utf8")) as { current?: string }).current);
  } catch {
    return false;
  }
}

/**
 * Makes the stack where it is new, and gives it the password of its embedded registry. Writes `.catalog/env`.
 * @throws GroundError if the backend does not answer.
 */
export async function ensureStack(pulumi: Found, state: State, stack: Stack): Promise<void> {
  const { name, config, hasPassword } = stack;
  writeEnv(pulumi, state, stack);
  const selected = await run(pulumi.command, ["stack", "select", name], { env: state.env });
  if (selected.code !== 0) {
    if (!/no stack named/.test(selected.stderr))
      throw new GroundError(`The state cannot be read: ${lastLine(selected.stderr).replace(/^error: /, "")}`);
    await must(pulumi.command, ["stack", "init", name], { env: state.env });
    say("stack", `${name}, new`);
  }
  if (hasPassword || token() || !config.registry.embedded) return;
  const known = await passwordInState(pulumi, state, stack);
  await must(pulumi.command, ["config", "set", "--secret", "registryPassword", "--stack", name], {
    env: state.env,
    input: known ?? randomBytes(24).toString("base64url"),
  });
  say(
    "password",
    `of the embedded registry ${known ? "taken from the state" : "made"}, a secret of Pulumi.${name}.yaml`,
  );
}

/** Frees a stack from what a killed run has left. Not for a preview: another's `up` may be under way. */
export async function repairStack(pulumi: Found, state: State, stack: Stack): Promise<void> {
  await releaseStaleLock(state, stack);
  await forgetPending(pulumi, state, stack);
}

/** A checkout that shares a state with another has the stack, but not what that one's stack file was given. */
async function passwordInState(pulumi: Found, state: State, { name }: Stack): Promise<string | undefined> {
  const output = ["stack", "output", "registryPassword", "--show-secrets", "--stack", name];
  const { code, stdout } = await run(pulumi.command, output, { env: state.env });
  return code === 0 ? stdout.trim() : undefined;
}

/** What Pulumi writes of an update that is under way. */
interface Lock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/**
 * Removes a lock of a file backend whose process of this machine is gone: that run was killed.
 * @throws GroundError for any other lock. Other backends look after their own.
 */
async function releaseStaleLock(state: State, { name, project }: Stack): Promise<void> {
  const backend = state.env.PULUMI_BACKEND_URL ?? process.env.PULUMI_BACKEND_URL;
  if (!backend?.startsWith("file://")) return;
  const folder = join(backend.slice("file://".length), ".pulumi", "locks", "organization", project, name);
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const path = join(folder, file);
    const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
    if (lock.hostname !== hostname() || processStart(lock.pid) !== null) throw underWay(name, lock);
    for (const part of [path, `${path}.attrs`]) rmSync(part, { force: true });
    const orphans = await endOrphans();
    note(
      "state",
      `lock of a killed run (process ${lock.pid}) removed, and ${orphans} processes that it had left`,
    );
  }
}

function underWay(stack: string, { pid, username, hostname, timestamp }: Lock): GroundError {
  return new GroundError(
    `Another update of stack ${stack} is under way: process ${pid} of ${username} on ${hostname}, since ${timestamp.slice(0, 16).replace("T", " ")}. ` +
      `Wait for it to end; if it is no longer there, \`pulumi cancel --stack ${stack}\`.`,
  );
}

/**
 * Forgets the operations that a killed run was in the middle of. An image is built and pushed again, to the same
 * tag; a container may be there without being in the state, and would hold its port.
 */
async function forgetPending(pulumi: Found, state: State, { name }: Stack): Promise<void> {
  const options = { env: state.env };
  const { stdout } = await must(pulumi.command, ["stack", "export", "--stack", name], options);
  const snapshot = JSON.parse(stdout) as {
    deployment?: {
      pending_operations?: { resource: { type: string; urn: string } }[];
      resources?: { type: string; id?: string }[];
    };
  };
  const pending = snapshot.deployment?.pending_operations ?? [];
  if (pending.length === 0 || !snapshot.deployment) return;
  delete snapshot.deployment.pending_operations;
  await must(pulumi.command, ["stack", "import", "--stack", name], {
    ...options,
    input: JSON.stringify(snapshot),
  });
  note(
    "state",
    `${pending.map(({ resource }) => resource.urn.split("::").at(-1)).join(", ")}: interrupted, done again`,
  );

  const known = new Set(snapshot.deployment.resources?.map(({ id }) => id));
  if (!pending.some(({ resource }) => resource.type === "docker:index/container:Container")) return;
  const filter = ["--filter", `label=${STACK_LABEL}=${name}`];
  const all = await must("docker", ["ps", "-aq", "--no-trunc", ...filter]);
  const orphans = all.stdout.split("\n").filter((id) => id && !known.has(id));
  if (orphans.length > 0) await must("docker", ["rm", "-fv", ...orphans]);
}
