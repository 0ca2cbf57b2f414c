/**
 * An apt of our own: its lists, cache and sources are in the cache folder, and the host's apt state is neither
 * used nor touched, so any suite of Debian can be read on any release of it.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDir } from "../tools/cache.ts";
import { lastLine, must, type Result, run } from "../tools/exec.ts";
import { GroundError, note } from "../tools/log.ts";

/** Debian's own keys; every list and package that is read here is verified against them. */
export const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

export interface MirrorOption {
  /** The archive's URI. @default the one in the host's apt configuration */
  mirror?: string;
}

/** The archives of a suite: `security` is a separate one, with a separate path. */
interface Archive {
  main: string;
  security: string;
}

/** Where the host's own apt gets Debian from, in whichever format (one line, deb822, mirror list) that is written. */
async function hostArchive(): Promise<Archive> {
  const os = existsSync("/etc/os-release") ? await readFile("/etc/os-release", "utf8") : "";
  if (!/^ID="?debian"?$/m.test(os)) {
    throw new GroundError(
      "Debian's archive is looked up in the apt configuration of a Debian host, and this host is not Debian: use the usual sources, or name a mirror of Debian's archive.",
    );
  }
  // print-uris answers on a host that never ran `apt-get update`, too; `indextargets` needs its lists.
  const uris = await must("apt-get", ["update", "--print-uris"]);
  const served = [...uris.stdout.matchAll(/^'(\S+?)\/?dists\/([^/\s]+)(?:\/\S*)?\/InRelease'/gm)].map(
    ([, base = "", suite = ""]) => ({ base, suite }),
  );
  // Debian's archive is the one with an -updates suite beside the release: other vendors' entries have none.
  const main =
    served.find(({ suite }) => suite.endsWith("-updates"))?.base ??
    served.find(({ base }) => base.endsWith("/debian"))?.base;
  if (main === undefined) {
    throw new GroundError(
      "no entry for Debian's archive was found in the host's apt sources (/etc/apt/sources.list, /etc/apt/sources.list.d): add one, or name a mirror.",
    );
  }
  const uri = await behindMirrorList(main);
  const security = served.find(({ suite }) => suite.endsWith("-security"))?.base;
  return { main: uri, security: security === undefined ? beside(uri) : await behindMirrorList(security) };
}

/** Where the security archive is by convention: …/debian-security beside …/debian. */
function beside(uri: string): string {
  return uri.replace(/\/debian(?=\/|$)/, "/debian-security");
}

/** Cloud images name a file of mirrors instead of a mirror; outside of this host only its content means anything. */
async function behindMirrorList(uri: string): Promise<string> {
  if (!uri.startsWith("mirror+file:")) return uri;
  const list = await readFile(uri.slice("mirror+file:".length), "utf8");
  return list.split(/\s/)[0]?.replace(/\/$/, "") ?? uri;
}

/**
 * The places of a suite, as a sources.list writes them: a release has its updates and security fixes in suites
 * of their own.
 *
 * @throws GroundError where no mirror is given and the host's apt configuration names none
 */
export async function suitePlaces(suite: string, mirror?: string): Promise<string[]> {
  if (!existsSync(keyring)) {
    throw new GroundError(`Debian's keys are not at ${keyring}: install the package debian-archive-keyring.`);
  }
  const given = mirror?.replace(/\/$/, "");
  const archive = given === undefined ? await hostArchive() : { main: given, security: beside(given) };
  const places = [`${archive.main} ${suite}`];
  if (!["sid", "unstable", "testing"].includes(suite)) {
    places.push(`${archive.main} ${suite}-updates`, `${archive.security} ${suite}-security`);
  }
  return places;
}

/** Lines for a sources.list. */
export function sourceLines(type: "deb" | "deb-src", places: string[], options = ""): string {
  return places.map((place) => `${type} [signed-by=${keyring}${options}] ${place} main\n`).join("");
}

/** Runs a program (`apt-get`, `apt-cache`) with the private apt's options. */
export interface Apt {
  (program: string, args: string[], cwd?: string): Promise<Result>;
  /** Reads the lists again, because what was looked for is not in them or has left the archive. */
  update(): Promise<void>;
}

/**
 * The private apt of one suite; its lists are read the first time, and when the mirror has changed.
 *
 * @throws GroundError where the host is not Debian, has no keys of Debian's, or reaches no archive
 */
export async function privateApt(suite: string, mirror?: string): Promise<Apt> {
  const folder = cacheDir("apt", suite);
  const lists = join(folder, "lists");
  await mkdir(join(lists, "partial"), { recursive: true });
  await mkdir(join(folder, "cache/archives/partial"), { recursive: true });
  // Without `target`, a host with desktop tools would have us download their indexes as well.
  const places = await suitePlaces(suite, mirror);
  const wanted =
    sourceLines("deb", places, " target=Packages") + sourceLines("deb-src", places, " target=Sources");
  const sources = join(folder, "sources.list");
  const options = [
    `Dir::Etc::sourcelist=${sources}`,
    "Dir::Etc::sourceparts=-",
    "Dir::Etc::preferences=-",
    "Dir::Etc::preferencesparts=-",
    `Dir::State::lists=${lists}`,
    "Dir::State::status=/dev/null",
    `Dir::Cache=${join(folder, "cache")}`,
    "Dir::Cache::pkgcache=pkgcache.bin",
    "Dir::Cache::srcpkgcache=srcpkgcache.bin",
    "APT::Get::List-Cleanup=false",
    "Acquire::Languages=none",
    // apt's own user may not read a folder in somebody's home.
    ...(process.getuid?.() === 0 ? ["APT::Sandbox::User=root"] : []),
  ].flatMap((option) => ["-o", option]);
  // Two of us at once must not write the same lists: apt itself would fail, flock waits.
  const apt = (program: string, args: string[], cwd?: string) =>
    run("flock", [join(folder, "lock"), program, ...options, ...args], cwd === undefined ? {} : { cwd });
  const update = async () => {
    note("debian", `reading the package lists of ${suite}…`);
    const { code, stderr } = await apt("apt-get", ["update", "--error-on=any", "-qq"]);
    if (code !== 0) {
      throw new GroundError(
        `the package lists of Debian's suite ${suite} could not be read (${lastLine(stderr)}): check the suite's name and the network.`,
      );
    }
  };
  const known = existsSync(sources) ? await readFile(sources, "utf8") : "";
  const complete = (await readdir(lists)).some((name) => name.includes("_Packages"));
  if (known !== wanted || !complete) {
    await writeFile(sources, wanted);
    await update();
  }
  return Object.assign(apt, { update });
}
