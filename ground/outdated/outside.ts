/** What is asked of the world outside, each in one way; see `guarded` for limits and failures. */
import { globSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import tls from "node:tls";
import { digestOf, tagsOf } from "../../components/registryClient.ts";
import { lastLine, run } from "../tools/exec.ts";
import { archiveOf, type DebianArchive } from "./debianArchive.ts";

/** Who can be asked; tests have their own. Every question may be answered with an Error of one sentence. */
export interface Outside {
  /** All tags of an image's repository. */
  tagsOf(image: string): Promise<readonly string[]>;
  /** The digest that a tag has now. */
  digestOf(image: string): Promise<string>;
  /** The references of a git repository, such as `refs/tags/v2.7.1` and `HEAD`, and their commits. */
  refsOf(url: string): Promise<ReadonlyMap<string, string>>;
  /** What a URL answers, as text. */
  read(url: string, accept?: string): Promise<string>;
  exists(url: string): Promise<boolean>;
  debian(suite: string): Promise<DebianArchive>;
  /** All versions of an npm package. */
  npm(name: string): Promise<readonly string[]>;
}

/** Answered, but not with what was asked for: the place itself is reached. */
export class Refused extends Error {}

/** How long one question may take, in milliseconds. */
export const LIMIT = 10_000;

export const outside: Outside = { tagsOf, digestOf, refsOf, read, exists, debian: archiveOf, npm };

/** Makes this process trust the host's certificates and those of some files or folders, and use the host's proxies. */
export function trust(paths: readonly (string | undefined)[]): void {
  const files = paths.flatMap((path) => {
    const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path === undefined || stat === undefined) return [];
    return stat.isDirectory() ? globSync("*.crt", { cwd: path }).map((file) => join(path, file)) : [path];
  });
  const known = [...tls.getCACertificates("default"), ...tls.getCACertificates("system")];
  tls.setDefaultCACertificates([...known, ...files.map((file) => readFileSync(file, "utf8"))]);
  http.setGlobalProxyFromEnv();
}

async function read(url: string, accept = "*/*"): Promise<string> {
  const answer = await ask(url, { accept });
  if (!answer.ok) throw new Refused(`answers ${answer.status} for ${new URL(url).pathname}`);
  return await answer.text();
}

async function exists(url: string): Promise<boolean> {
  return (await ask(url, {}, "HEAD")).ok;
}

async function ask(url: string, headers: Record<string, string>, method = "GET"): Promise<Response> {
  const { username, password } = new URL(url);
  // fetch takes no URL with a login in it, and no message may show one.
  const bare = Object.assign(new URL(url), { username: "", password: "" });
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const authorization = username ? { authorization: `Basic ${login.toString("base64")}` } : {};
  try {
    const signal = AbortSignal.timeout(LIMIT);
    return await fetch(bare, { method, signal, headers: { ...headers, ...authorization } });
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: Error };
    throw new Error(name === "TimeoutError" ? `no answer in ${LIMIT / 1000} s` : (cause?.message ?? message));
  }
}

async function refsOf(url: string): Promise<Map<string, string>> {
  const env = { GIT_TERMINAL_PROMPT: "0", GIT_SSH_COMMAND: "ssh -o BatchMode=yes" };
  const { code, stdout, stderr } = await run("git", ["ls-remote", url, "HEAD", "refs/tags/*"], {
    env,
    timeout: LIMIT,
  });
  if (code !== 0) throw new Error(lastLine(stderr).replace(/^fatal: (unable to access '.*?': )?/, ""));
  const refs = new Map<string, string>();
  for (const [, commit = "", ref = ""] of stdout.matchAll(/^([0-9a-f]+)\s+(\S+)$/gm)) {
    // What follows an annotated tag is the commit that it stands for.
    refs.set(ref.replace(/\^\{\}$/, ""), commit);
  }
  return refs;
}

async function npm(name: string): Promise<string[]> {
  const limits = ["--fetch-retries=0", `--fetch-timeout=${LIMIT}`];
  const { code, stdout, stderr } = await run("npm", ["view", name, "versions", "--json", ...limits], {
    timeout: 2 * LIMIT,
  });
  const answer = parsed(stdout) as string | string[] | { error?: { code?: string; summary?: string } };
  if (code === 0) return [answer as string | string[]].flat();
  const { error } = answer as { error?: { code?: string; summary?: string } };
  const reason = error?.summary?.split("\n")[0] ?? lastLine(stderr);
  throw error?.code === "E404" ? new Refused(reason) : new Error(reason);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
