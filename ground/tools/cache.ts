/** The folder for what is downloaded, compiled or left running between two runs. */
import { createHash } from "node:crypto";
import { once as event } from "node:events";
import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { processStart } from "./daemon.ts";
import { note } from "./log.ts";

/**
 * A folder of the cache, made when it is missing: below `$CATALOG_CACHE`, else `$XDG_CACHE_HOME/image-catalog`,
 * else `~/.cache/image-catalog`.
 * @example cacheDir("run") // ~/.cache/image-catalog/run
 */
export function cacheDir(...parts: string[]): string {
  const { CATALOG_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  const folder = resolve(own || join(xdg || join(homedir(), ".cache"), "image-catalog"), ...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The sha256 of a file's content, in hexadecimal. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Bytes that may still be written where `path` is, or will be. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(existing(resolve(path)));
  return bavail * bsize;
}

const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)));

const underWay = new Map<string, Promise<string>>();
let count = 0;

/**
 * Makes a file or a folder once. `make` fills a temporary sibling, which then takes its name, so `path` is
 * either whole or not there; what `make` throws is passed on and leaves nothing behind. Processes that race both
 * make it, and the first one's stays.
 * @returns `path`
 */
export function once(path: string, make: (temporary: string) => Promise<unknown> | unknown): Promise<string> {
  const already = underWay.get(path);
  if (already) return already;
  const promise = makeOnce(path, make).finally(() => underWay.delete(path));
  underWay.set(path, promise);
  return promise;
}

async function makeOnce(
  path: string,
  make: (temporary: string) => Promise<unknown> | unknown,
): Promise<string> {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  removeLeftovers(path);
  count += 1;
  const temporary = `${prefix(path)}${process.pid}-${processStart(process.pid) ?? 0}-${count}`;
  try {
    await make(temporary);
    await rename(temporary, path).catch((error: NodeJS.ErrnoException) => {
      // A folder that another process has put there meanwhile cannot be replaced, and is as good as ours.
      if (!["ENOTEMPTY", "EEXIST"].includes(error.code ?? "")) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return path;
}

const prefix = (path: string): string => join(dirname(path), `.${basename(path)}.making-`);

/**
 * Runs `work` while no other process on this machine runs work of the same name for the same cache, so that two
 * runs at once do not start one daemon twice. Not to be nested under one name.
 */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  // Linux drops an abstract socket with its process, so a killed run leaves no lock; elsewhere there is none.
  if (process.platform !== "linux") return work();
  const id = createHash("sha256").update(cacheDir()).digest("hex");
  const server = createServer();
  for (let tries = 0; !(await listens(server, `\0image-catalog-${name}-${id.slice(0, 16)}`)); tries += 1) {
    if (tries === 20) note(name, "waiting for another run that prepares the same…");
    await sleep(50);
  }
  try {
    return await work();
  } finally {
    server.close();
  }
}

async function listens(server: Server, address: string): Promise<boolean> {
  try {
    server.listen(address);
    await event(server, "listening");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
}

/** Removes what killed runs have left half made; what a living process is making stays. */
function removeLeftovers(path: string): void {
  const start = basename(prefix(path));
  for (const name of readdirSync(dirname(path)).filter((each) => each.startsWith(start))) {
    const [pid = "", started] = name.slice(start.length).split("-");
    if (processStart(Number(pid)) !== started) {
      rmSync(join(dirname(path), name), { recursive: true, force: true });
    }
  }
}
