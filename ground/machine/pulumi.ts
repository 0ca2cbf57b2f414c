/** The Pulumi CLI and the plugins of the providers that the program uses. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { lastLine, run, which } from "../tools/exec.ts";
import { note } from "../tools/log.ts";

/** The oldest CLI that the program is known to work with. */
const OLDEST = "3.260.0";

export interface Plugin {
  readonly name: string;
  readonly version: string;
  /** Where the CLI keeps it. */
  readonly folder: string;
}

export interface Found {
  readonly found: true;
  /** Path of the CLI. */
  readonly command: string;
  readonly version: string;
  readonly plugins: readonly Plugin[];
  /** Why this one: `on PATH`, `in ~/.pulumi/bin`, `just installed`. */
  readonly why: string;
}

/** No engine: not an error, since there is a way without it (`npm run bake`). */
export interface Missing {
  readonly found: false;
  /** One sentence: what is missing, why it could not be had, and where an installed one is looked for. */
  readonly why: string;
}

const root = join(import.meta.dirname, "../..");
const home = () => process.env.PULUMI_HOME || join(homedir(), ".pulumi");
const sdkVersion = () => packageOf("pulumi").version;
/** Where Pulumi's own installer puts the version that belongs to the SDK: nobody's other CLI is replaced. */
const ownRoot = () => join(home(), "versions", sdkVersion());

/**
 * Looks for the CLI (PATH, then `~/.pulumi/bin`, then what an earlier run installed) and its plugins; what is
 * missing is downloaded the way Pulumi does, within a time limit. Never throws.
 */
export async function findPulumi(): Promise<Found | Missing> {
  return find(true);
}

/** Like {@link findPulumi}, but only looks: nothing is downloaded. */
export async function checkPulumi(): Promise<Found | Missing> {
  return find(false);
}

async function find(install: boolean): Promise<Found | Missing> {
  if (process.env.CATALOG_NO_PULUMI === "1") return { found: false, why: "hidden by CATALOG_NO_PULUMI" };
  const looked = await look();
  const cli = "command" in looked || !install ? looked : await download(looked.why);
  if (!("command" in cli))
    return {
      found: false,
      why: `${cli.why}; an installed one is looked for on PATH and in ${join(home(), "bin")}.`,
    };

  const plugins = [pluginOf("docker"), pluginOf("docker-build")];
  for (const plugin of plugins.filter((each) => !isInstalled(each))) {
    const why = install
      ? await downloadPlugin(cli.command, plugin)
      : existsSync(plugin.folder)
        ? "its folder is there, but not its program"
        : "it is not installed";
    if (why)
      return {
        found: false,
        why: `Pulumi's plugin ${plugin.name} ${plugin.version} is missing (${why}); it is looked for in ${plugin.folder}.`,
      };
  }
  return { found: true, ...cli, plugins };
}

interface Cli {
  readonly command: string;
  readonly version: string;
  readonly why: string;
}

async function look(): Promise<Cli | { why: string }> {
  const places: [string | null, string][] = [
    [which("pulumi"), "on PATH"],
    [join(home(), "bin", "pulumi"), `in ${join(home(), "bin")}`],
    [join(ownRoot(), "bin", "pulumi"), `in ${join(ownRoot(), "bin")}`],
  ];
  const others: string[] = [];
  for (const [command, why] of places) {
    if (command === null || !existsSync(command)) continue;
    const answer = await run(command, ["version"], {
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
      timeout: 20_000,
    });
    const version = /^v?(\d+\.\d+\.\d+\S*)/.exec(answer.stdout.trim())?.[1];
    if (version && isAtLeast(version, OLDEST)) return { command, version, why };
    others.push(
      version
        ? `${command} is ${version}, older than ${OLDEST}`
        : `${command} does not run: ${lastLine(answer.stderr)}`,
    );
  }
  return {
    why: others.length > 0 ? others.join(", and ") : `the Pulumi CLI (${OLDEST} or newer) is not installed`,
  };
}

function isAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, "en", { numeric: true }) >= 0;
}

/**
 * Pulumi's own installer, in a process of its own: it has no time limit, and its module takes a second to load.
 * The first request finds out quickly whether there is a way out at all.
 */
const INSTALLER = `
const [root, version] = process.argv.slice(1);
await fetch("https://get.pulumi.com/install.sh", { signal: AbortSignal.timeout(10_000) });
const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
const { SemVer } = (await import("semver")).default;
await PulumiCommand.install({ root, version: new SemVer(version) });
`;

async function download(missing: string): Promise<Cli | { why: string }> {
  note("pulumi", `${missing}; trying Pulumi's installer…`);
  const args = ["--input-type=module", "--eval", INSTALLER, ownRoot(), sdkVersion()];
  const answer = await run(process.execPath, args, { cwd: root, timeout: 300_000 });
  const after = await look();
  if ("command" in after) return { ...after, why: "just installed" };
  return { why: `${missing}, and its installer cannot be had (${reasonOf(answer.stderr)})` };
}

/** Answers why it could not be had, or null. */
async function downloadPlugin(command: string, plugin: Plugin): Promise<string | null> {
  const { name, version, folder } = plugin;
  note("pulumi", `downloading the plugin ${name} ${version}…`);
  // The CLI takes any folder of that name for an installed plugin, even an empty one.
  const again = existsSync(folder) ? ["--reinstall"] : [];
  const args = ["plugin", "install", "resource", name, version, "--non-interactive", ...again];
  const answer = await run(command, args, { cwd: root, timeout: 300_000 });
  if (answer.code !== 0) return reasonOf(answer.stderr);
  return isInstalled(plugin) ? null : "the CLI says that it is installed, but its program is not there";
}

/** The line of a tool's complaint that says why, without the stack around it. */
function reasonOf(stderr: string): string {
  const cause = /\[?cause\]?:\s*(?:Error: )?(.+)/.exec(stderr) ?? /(?:error|Error): (.+)/.exec(stderr);
  return cause?.[1]?.trim() ?? lastLine(stderr);
}

/** A half-downloaded plugin has a file `<folder>.partial` beside it. */
function isInstalled({ name, folder }: Plugin): boolean {
  return existsSync(join(folder, `pulumi-resource-${name}`)) && !existsSync(`${folder}.partial`);
}

function pluginOf(name: string): Plugin {
  const { version } = packageOf(name);
  return { name, version, folder: join(home(), "plugins", `resource-${name}-v${version}`) };
}

function packageOf(name: string): { version: string } {
  return JSON.parse(readFileSync(join(root, "node_modules", "@pulumi", name, "package.json"), "utf8"));
}
