/** Which processes use the engine and the builder that runs of this program have started on this machine. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "../tools/cache.ts";
import { processStart } from "../tools/daemon.ts";

const folder = () => cacheDir("run", "users");
const kept = new Set<string>();

/** Notes that this process uses them until it ends, so that no other ends them meanwhile. */
export function use(): void {
  const file = join(folder(), `${process.pid}-${processStart(process.pid) ?? 0}`);
  if (kept.has(file)) return;
  writeFileSync(file, "");
  kept.add(file);
  process.once("exit", () => rmSync(file, { force: true }));
}

/** The pids of the others that use them; what killed ones have noted is removed. */
export function otherUsers(): number[] {
  return readdirSync(folder()).flatMap((name) => {
    const [pid = "", start] = name.split("-");
    if (processStart(Number(pid)) === start) return Number(pid) === process.pid ? [] : [Number(pid)];
    rmSync(join(folder(), name), { force: true });
    return [];
  });
}
