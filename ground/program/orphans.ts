import { connect } from "node:net";
import { run } from "../tools/exec.ts";

/** A plugin or language host of Pulumi, and the engine that it was started by. */
interface Plugin {
  readonly pid: number;
  /** Where that engine listens, or listened: the plugin's one argument. */
  readonly engine: number;
}

/** The plugins and language hosts that run on this machine. */
async function plugins(): Promise<Plugin[]> {
  const { stdout } = await run("ps", ["-axo", "pid=,args="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, engine] =
      /^\s*(\d+) \S*pulumi-(?:language|resource)-\S+ 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    return pid && engine ? [{ pid: Number(pid), engine: Number(engine) }] : [];
  });
}

/**
 * Ends the plugins whose engine is gone: one that is killed cannot end them, and a provider goes on building.
 * @returns how many there were.
 */
export async function endOrphans(): Promise<number> {
  let count = 0;
  for (const { pid, engine } of await plugins()) {
    if (await listens(engine)) continue;
    try {
      process.kill(pid, "SIGTERM");
      count += 1;
    } catch {
      // Another user's, or ended by itself in this very moment.
    }
  }
  return count;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
