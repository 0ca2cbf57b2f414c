/** Debian's signed archive as a source of what the catalog stands on: packages, and files of source packages. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDir, once, sha256File } from "../tools/cache.ts";
import { lastLine, must } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import { type Apt, type MirrorOption, privateApt } from "./apt.ts";

/** A Debian package, unpacked and not installed. */
export interface DebianPackage {
  /** Holds the package's files as they would be in `/`. */
  folder: string;
  version: string;
  /** Of the .deb file. */
  sha256: string;
}

/**
 * Downloads a binary package by apt, which verifies it, and unpacks it into the cache, once.
 *
 * @param name such as `docker-buildx`
 * @param suite such as `trixie` or `sid`; it need not be the host's
 * @param pin the version, without which the newest is taken, and the .deb's sha256
 * @throws GroundError for an unknown name or version, and for a package with another checksum
 * @example const { folder } = await debianPackage("pyenv", "trixie", { version: "2.5.4-1" });
 */
export async function debianPackage(
  name: string,
  suite: string,
  pin: { version?: string; sha256?: string } & MirrorOption = {},
): Promise<DebianPackage> {
  const found = async (version: string): Promise<DebianPackage | undefined> => {
    const folder = unpacked(name, version);
    if (!existsSync(folder)) return undefined;
    const sha256 = (await readFile(`${folder}.sha256`, "utf8")).trim();
    return { folder, version, sha256: verified(`Debian's package ${name} ${version}`, pin.sha256, sha256) };
  };
  const cached = pin.version === undefined ? undefined : await found(pin.version);
  if (cached) return cached;

  const apt = await privateApt(suite, pin.mirror);
  return withFreshLists(apt, async () => {
    const wanted = pin.version === undefined ? name : `${name}=${pin.version}`;
    const shown = await apt("apt-cache", ["show", "--no-all-versions", wanted]);
    const version = /^Version: (.+)$/m.exec(shown.stdout)?.[1];
    if (version === undefined) {
      const { stdout } = await apt("apt-cache", ["madison", name]);
      const versions = new Set(stdout.match(/(?<=^[^|]*\| *)[^|\s]+/gm));
      throw new NotThere(
        `Debian's suite ${suite} has no package ${wanted}: its versions there are ${list(versions)}.`,
      );
    }
    return (await found(version)) ?? (await unpack(apt, name, version, pin.sha256));
  });
}

async function unpack(apt: Apt, name: string, version: string, expected?: string): Promise<DebianPackage> {
  const folder = unpacked(name, version);
  return inTemporaryFolder(async (tmp) => {
    const { stderr } = await apt("apt-get", ["download", "-qq", `${name}=${version}`], tmp);
    const file = (await readdir(tmp)).find((entry) => entry.endsWith(".deb"));
    if (file === undefined) {
      throw new NotThere(`Debian's package ${name} ${version} was not downloaded: ${lastLine(stderr)}.`);
    }
    const deb = join(tmp, file);
    const sha256 = verified(`Debian's package ${name} ${version}`, expected, await sha256File(deb));
    await once(folder, async (making) => {
      await must("dpkg-deb", ["-x", deb, making]);
      await writeFile(`${folder}.sha256`, `${sha256}\n`);
    });
    return { folder, version, sha256 };
  });
}

/**
 * Downloads one file of a source package into the cache, once: Debian keeps there what upstream has released.
 *
 * @param source the source package's name
 * @param sha256 the file's checksum, by which it is found
 * @returns the file's path, with the name that it has in the archive
 * @throws GroundError when the suite has no such file
 * @example await debianSourceFile("python3.13", "trixie", "93e583f2…");
 */
export async function debianSourceFile(
  source: string,
  suite: string,
  sha256: string,
  { mirror }: MirrorOption = {},
): Promise<string> {
  const folder = join(cacheDir("debian", "sources"), sha256);
  await once(folder, async (making) => {
    const apt = await privateApt(suite, mirror);
    await withFreshLists(apt, async () => {
      const { stdout } = await apt("apt-cache", ["showsrc", "--only-source", source]);
      // A release and its security suite may be at different upstream versions: one of them has this file.
      const stanza = stdout.split("\n\n").find((text) => text.includes(` ${sha256} `)) ?? "";
      const version = /^Version: (.+)$/m.exec(stanza)?.[1];
      const file = new RegExp(`^ ${sha256} \\d+ (\\S+)$`, "m").exec(stanza)?.[1];
      if (version === undefined || file === undefined) {
        const files = new Set(stdout.match(/\S+\.orig\.tar\.\w+(?=$)/gm));
        throw new NotThere(
          `Debian's suite ${suite} has no file of ${source} with sha256 ${sha256}: there are ${list(files)}.`,
        );
      }
      await inTemporaryFolder(async (tmp) => {
        const wanted = ["source", "--download-only", "--tar-only", "-qq", `${source}=${version}`];
        const { stderr } = await apt("apt-get", wanted, tmp);
        if (!existsSync(join(tmp, file))) {
          throw new NotThere(`Debian's file ${file} was not downloaded: ${lastLine(stderr)}.`);
        }
        await mkdir(making, { recursive: true });
        await rename(join(tmp, file), join(making, file));
      });
    });
  });
  const [file = ""] = await readdir(folder);
  const path = join(folder, file);
  const found = await sha256File(path);
  // A wrong file must not stay for the next run.
  if (found !== sha256) await rm(folder, { recursive: true });
  verified(`Debian's file ${file}`, sha256, found);
  return path;
}

/** It is not in the lists that were read some time ago, or has left the archive since. */
class NotThere extends GroundError {}

async function withFreshLists<T>(apt: Apt, find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    await apt.update();
    return find();
  }
}

/** A folder beside the results, so that these can be moved to their places. */
async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(cacheDir("debian"), ".download-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function list(versions: Iterable<string>): string {
  return [...versions].join(", ") || "none";
}

function unpacked(name: string, version: string): string {
  return join(cacheDir("debian"), `${name}_${version}`);
}

/** @throws GroundError for another checksum than the pinned one */
export function verified(what: string, expected: string | undefined, found: string): string {
  if (expected !== undefined && expected !== found) {
    throw new GroundError(
      `${what} has sha256 ${found} and not the pinned ${expected}: find out which is right before the pin is changed.`,
    );
  }
  return found;
}
