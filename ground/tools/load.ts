import { join } from "node:path";
import { must } from "./exec.ts";

/** What a service has made of many requests. */
export interface Load {
  /** Answers a second, on average. */
  readonly perSecond: number;
  /** Requests that were not answered, or not with a success. */
  readonly failures: number;
}

const AUTOCANNON = join(import.meta.dirname, "../../node_modules/autocannon/autocannon.js");

/**
 * Asks a service as often as it answers, over connections that stay open.
 * @param seconds for how long.
 * @throws GroundError if it cannot be asked.
 */
export async function load(url: string, seconds: number, connections = 50): Promise<Load> {
  const args = ["--json", "--connections", `${connections}`, "--duration", `${seconds}`, url];
  const { stdout } = await must(process.execPath, [AUTOCANNON, ...args]);
  const { requests, errors, non2xx } = JSON.parse(stdout) as {
    requests: { average: number };
    errors: number;
    non2xx: number;
  };
  return { perSecond: requests.average, failures: errors + non2xx };
}
