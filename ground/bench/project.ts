import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { project as checkout } from "../program/copy.ts";
import { lastLine, type Result, run } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import type { Bench } from "./figures.ts";

/** A Pulumi project in a folder of its own, with a file state of its own, whose commands are timed. */
export class Project {
  readonly folder: string;
  readonly stack: string;
  private readonly bench: Bench;
  private readonly env: Record<string, string>;

  /** @param folder the project; its state goes into the folder `state` of it. */
  constructor(bench: Bench, folder: string, stack: string) {
    this.bench = bench;
    this.folder = folder;
    this.stack = stack;
    const state = join(folder, "state");
    mkdirSync(state, { recursive: true });
    this.env = {
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // The Node that this runs in runs the programs as well, whatever is installed.
      PATH: [join(checkout, "node_modules", ".bin"), process.env.PATH].join(delimiter),
    };
  }

  /**
   * Runs a `pulumi` on the stack.
   * @throws GroundError if it fails, or the benchmark is ended.
   */
  async pulumi(args: readonly string[], input = ""): Promise<Result> {
    const { pulumi, signal } = this.bench;
    signal.throwIfAborted();
    const all = [...args, "--stack", this.stack, "--non-interactive"];
    const result = await run(pulumi.command, all, { cwd: this.folder, env: this.env, input, signal });
    signal.throwIfAborted();
    if (result.code === 0) return result;
    const error = /^\s*error: .+/m.exec(result.stdout + result.stderr)?.[0].trim();
    throw new GroundError(`\`pulumi ${args.join(" ")}\` failed: ${error ?? lastLine(result.stderr)}`);
  }

  /** The same, and how many seconds it takes. */
  async timed(...args: string[]): Promise<number> {
    const start = performance.now();
    await this.pulumi(args);
    return (performance.now() - start) / 1000;
  }
}
