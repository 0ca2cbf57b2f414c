import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { project as checkout } from "../program/copy.ts";
import { type Recording, record } from "../program/record.ts";
import type { Images } from "../program/sizes.ts";
import { readStack } from "../program/stack.ts";
import { withLogin } from "../tools/dockerConfig.ts";
import { lastLine, must, type Result, run } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import type { Login } from "../tools/registry.ts";
import type { Bench } from "./figures.ts";

/** A stack of a Pulumi project in a folder, with a file state of its own, whose commands are timed. */
export class Project {
  readonly folder: string;
  readonly stack: string;
  /** The login of its registry, where it is a catalog. */
  readonly login: Login;
  private readonly bench: Pick<Bench, "pulumi" | "signal">;
  private readonly env: Record<string, string>;

  /**
   * @param folder the project; its state goes into the folder `state` of it.
   * @param address of its registry, where it is a catalog.
   * @param env more of its commands' environment.
   */
  constructor(
    bench: Pick<Bench, "pulumi" | "signal">,
    folder: string,
    stack: string,
    address = "",
    env: Record<string, string> = {},
  ) {
    this.bench = bench;
    this.folder = folder;
    this.stack = stack;
    this.login = { address, username: "catalog", password: randomBytes(12).toString("hex") };
    const state = join(folder, "state");
    mkdirSync(state, { recursive: true });
    this.env = {
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // The Node that this runs in runs the programs as well, whatever is installed.
      PATH: [join(checkout, "node_modules", ".bin"), process.env.PATH].join(delimiter),
      ...env,
    };
  }

  /** Makes the stack, with the password of its registry. */
  async init(): Promise<void> {
    await this.pulumi(["stack", "init"]);
    const { address, password } = this.login;
    if (address) await this.pulumi(["config", "set", "--secret", "registryPassword"], password);
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
    return await seconds(() => this.pulumi(args));
  }

  /** The catalog's images, as its output says. */
  async images(): Promise<Images> {
    return JSON.parse((await this.pulumi(["stack", "output", "images", "--json"])).stdout) as Images;
  }

  /** Has the engine pull images of its registry. */
  async pull(...refs: string[]): Promise<void> {
    await withLogin(this.login, async (env) => {
      for (const ref of refs) await must("docker", ["pull", "--quiet", ref], { env });
    });
  }
}

/** How many seconds something takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** What a catalog's program registers, with some password: it reads and stages files where it runs. */
export async function recordIn(folder: string, stack: string): Promise<Recording> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await record(readStack(stack), "a-password");
  } finally {
    process.chdir(before);
  }
}
