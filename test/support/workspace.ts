import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { copyProject } from "../../ground/program/copy.ts";
import { leftovers, removeLeftovers } from "../../ground/program/leftovers.ts";
import { PACKS } from "../../ground/program/policies.ts";
import { type Result, run } from "../../ground/tools/exec.ts";
import { freePort } from "../../ground/tools/ports.ts";
import type { Login } from "../../ground/tools/registry.ts";

export { freePort };

/** What a test's stack has beside the settings of the stack that it is made from. */
export type Settings = Record<string, unknown>;

/** A copy of the project in a folder of its own, with a stack on ports of its own. */
export class Workspace {
  /** Where the copy is. */
  readonly folder: string;
  /** The stack's name, like no other's on this machine. */
  readonly stack: string;
  /** The environment of its commands. */
  readonly env: Record<string, string>;
  /** Where the embedded registry listens. */
  readonly registryPort: number;
  /** Where the application answers. */
  readonly port: number;

  private constructor(
    folder: string,
    stack: string,
    env: Record<string, string>,
    registryPort: number,
    port: number,
  ) {
    this.folder = folder;
    this.stack = stack;
    this.env = env;
    this.registryPort = registryPort;
    this.port = port;
  }

  /** @param base the stack whose sources are used; @param settings what is different. */
  static async make(base: string, settings: Settings = {}): Promise<Workspace> {
    const folder = mkdtempSync(join(tmpdir(), "image-catalog-test-"));
    const stack = `test-${randomBytes(3).toString("hex")}`;
    await copyProject(folder);
    const [registryPort, port] = [await freePort(), await freePort()];
    mkdirSync(join(folder, "state"));
    const env = {
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      // A second for each command: tests that are about policies take the variable away.
      [PACKS]: "",
    };
    const workspace = new Workspace(folder, stack, env, registryPort, port);
    const { config = {} } = parse(workspace.read(`Pulumi.${base}.yaml`)) as { config?: Settings };
    const registry = { ...(config["catalog:registry"] as object), address: `localhost:${registryPort}` };
    const application = {
      name: "flask-helloworld",
      version: "1.0.0",
      framework: "flask",
    };
    workspace.write(
      `Pulumi.${stack}.yaml`,
      stringify({
        config: {
          ...config,
          "catalog:registry": registry,
          // Not the stack's own, which may be any.
          "catalog:frameworks": [{ name: "flask", version: "3.1.3" }],
          "catalog:applications": [{ ...application, publish: port }],
          ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`catalog:${key}`, value])),
        },
      }),
    );
    return workspace;
  }

  /** Has its commands ask the policies, as they do by themselves. */
  askPolicies(): void {
    delete this.env[PACKS];
  }

  /** Another checkout, in another folder, of the same files and with the same state. */
  async clone(): Promise<Workspace> {
    const folder = mkdtempSync(join(tmpdir(), "image-catalog-clone-"));
    await copyProject(folder, this.folder);
    const file = `Pulumi.${this.stack}.yaml`;
    cpSync(join(this.folder, file), join(folder, file));
    return new Workspace(folder, this.stack, this.env, this.registryPort, this.port);
  }

  /** Runs `npm run <args>`, but for the installation of packages, which are the project's own here. */
  npm(args: readonly string[], env: Record<string, string | undefined> = {}): Promise<Result> {
    return run(process.execPath, ["ground/cli.ts", ...args], {
      cwd: this.folder,
      env: { ...this.env, ...env },
    });
  }

  /** The same, left running in a process group of its own; `output()` is what it has printed so far. */
  start(args: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, ["ground/cli.ts", ...args], {
      cwd: this.folder,
      env: { ...process.env, ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    return { child, output: () => text };
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), "utf8");
  }

  write(file: string, content: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), content);
  }

  /** Replaces text in a file, which must be there. */
  edit(file: string, from: string, to: string): void {
    const content = this.read(file);
    if (!content.includes(from)) throw new Error(`${file} does not contain ${from}`);
    this.write(file, content.replace(from, to));
  }

  /** Changes the settings of a stack's file, given with their namespace; what it returns is written, in that order. */
  configure(change: (config: Settings) => Settings, stack = this.stack): void {
    const file = `Pulumi.${stack}.yaml`;
    const content = parse(this.read(file)) as { config: Settings };
    this.write(file, stringify({ ...content, config: change(content.config) }));
  }

  /** The containers and volumes of the stack, by whatever way they were made. */
  leftovers(): Promise<string[]> {
    return leftovers(this.stack, `localhost:${this.registryPort}/catalog`);
  }

  /** Removes all that the stack has left, whatever state a test has ended in, and the folder. */
  async remove(): Promise<void> {
    await removeLeftovers(this.stack, `localhost:${this.registryPort}/catalog`);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A password that appears nowhere else. */
export const newPassword = () => randomBytes(12).toString("hex");

/** A login to a workspace's registry. */
export const loginOf = ({ registryPort }: Workspace, password: string): Login => ({
  address: `localhost:${registryPort}`,
  username: "catalog",
  password,
});
