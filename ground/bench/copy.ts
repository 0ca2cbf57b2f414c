import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyProject } from "../program/copy.ts";
import { removeLeftovers } from "../program/leftovers.ts";
import { note } from "../tools/log.ts";
import { freePort } from "../tools/ports.ts";

/** A copy of the project for a benchmark, and where its stacks may have registries. */
export interface Copy {
  /** A folder of the benchmark's own, with the copy in it. */
  readonly root: string;
  readonly folder: string;
  /** A stack with a registry of its own, which is removed with all that it holds when the benchmark ends. */
  stack(name: string): Promise<{ stack: string; address: string }>;
}

/** Does work in a copy of the project, and leaves nothing of it. */
export async function inCopy<T>(work: (copy: Copy) => Promise<T>): Promise<T> {
  const id = randomBytes(3).toString("hex");
  const root = mkdtempSync(join(tmpdir(), "image-catalog-bench-"));
  const folder = join(root, "catalog");
  const stacks: { stack: string; address: string }[] = [];
  try {
    mkdirSync(folder);
    await copyProject(folder);
    return await work({
      root,
      folder,
      stack: async (name) => {
        const made = { stack: `bench-${name}-${id}`, address: `localhost:${await freePort()}` };
        stacks.push(made);
        return made;
      },
    });
  } finally {
    note("bench", "removing the registries, what is in them, and the copy of the project");
    for (const { stack, address } of stacks) await removeLeftovers(stack, `${address}/catalog`);
    rmSync(root, { recursive: true, force: true });
  }
}
