/** Processes that outlive the one that started them, known by pid and start. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { environment, type RunOptions } from "./exec.ts";
import { GroundError } from "./log.ts";

/**
 * When a process started (on Linux in clock ticks since boot), or null when it is gone. A pid is used again
 * sooner or later; a pid together with its start is not.
 */
export function processStart(pid: number): string | null {
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-o", "lstart=", "-p", `${pid}`], { encoding: "utf8" });
    return stdout?.trim().replaceAll(/\s+/g, "_") || null;
  }
  try {
    // The second field is the command in parentheses and may itself hold blanks and parentheses.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/**
 * Starts a process that outlives this one and answers its pid; its output goes to `log`, its pid and start to
 * `pidFile`.
 * @throws GroundError when it cannot be started. Whether it then stays up is for the caller to watch.
 */
export async function daemon(
  cmd: string,
  args: readonly string[],
  options: { readonly log: string; readonly pidFile: string; readonly env?: RunOptions["env"] },
): Promise<number> {
  const log = openSync(options.log, "w");
  const env = environment(options.env);
  const child = spawn(cmd, args, { cwd: "/", detached: true, env, stdio: ["ignore", log, log] });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(new GroundError(`${cmd} cannot be started: ${error.message}.`)));
    child.once("spawn", () => resolve(child.pid ?? 0));
  }).finally(() => closeSync(log));
  child.unref();
  writeFileSync(options.pidFile, `${pid} ${processStart(pid) ?? 0}\n`);
  return pid;
}

/** The pid in a pid file of {@link daemon}, if that very process still runs. */
export function daemonPid(pidFile: string): number | null {
  try {
    const [pid = "", start] = readFileSync(pidFile, "utf8").trim().split(" ");
    return start !== undefined && processStart(Number(pid)) === start ? Number(pid) : null;
  } catch {
    return null;
  }
}

/** Ends a daemon: asks, waits `grace` milliseconds (default 10 s), then insists. Answers whether one ran. */
export async function stopDaemon(pidFile: string, grace = 10_000): Promise<boolean> {
  const pid = daemonPid(pidFile);
  if (pid !== null) {
    const until = Date.now() + grace;
    signal(pid, "SIGTERM");
    while (daemonPid(pidFile) !== null) {
      if (Date.now() > until) signal(pid, "SIGKILL");
      await sleep(30);
    }
  }
  rmSync(pidFile, { force: true });
  return pid !== null;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself in this very moment.
  }
}
