/**
 * Debian's signed archive as a source of what the catalog stands on: binary packages, single files of source
 * packages, root file systems.
 */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Apt, type MirrorOption, privateApt } from "./apt.ts";
import { cacheDir, once, sha256File } from "./cache.ts";
import { must } from "./exec.ts";
import { GroundError } from "./log.ts";

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
  const result = await withFreshLists(apt, async () => {
    const wanted = pin.version === undefined ? name : `${name}=${pin.version}`;
    const shown = await apt("apt-cache", ["show", "--no-all-versions", wanted]);
    const version = /^Version: (.+)$/m.exec(shown.stdout)?.[1];
    return version === undefined
      ? undefined
      : ((await found(version)) ?? (await download(apt, name, version, pin.sha256)));
  });
  if (result === undefined) {
    const { stdout } = await apt("apt-cache", ["madison", name]);
    const versions = new Set(stdout.match(/(?<=^[^|]*\| *)[^|\s]+/gm));
    throw new GroundError(
      `package ${[name, pin.version].filter(Boolean).join(" ")} cannot be had from Debian's suite ${suite}: versions there are ${[...versions].join(", ") || "none"}`,
    );
  }
  return result;
}

/** What is not in the lists, or has left the archive since they were read, is looked for once more in fresh ones. */
async function withFreshLists<T>(apt: Apt, find: () => Promise<T | undefined>): Promise<T | undefined> {
  const first = await find();
  if (first !== undefined) return first;
  await apt.update();
  return find();
}

async function download(apt: Apt, name: string, version: string, expected?: string) {
  const folder = unpacked(name, version);
  const tmp = await mkdtemp(join(cacheDir("debian"), ".download-"));
  try {
    await apt("apt-get", ["download", "-qq", `${name}=${version}`], tmp);
    const file = (await readdir(tmp)).find((entry) => entry.endsWith(".deb"));
    if (file === undefined) return undefined;
    const deb = join(tmp, file);
    const sha256 = verified(`Debian's package ${name} ${version}`, expected, await sha256File(deb));
    await once(folder, async (making) => {
      await must("dpkg-deb", ["-x", deb, making]);
      await writeFile(`${folder}.sha256`, `${sha256}\n`);
    });
    return { folder, version, sha256 };
  } finally {
    await rm(tmp, { recursive: true });
  }
}

function unpacked(name: string, version: string): string {
  return join(cacheDir("debian"), `${name}_${version}`);
}

function verified(what: string, expected: string | undefined, found: string): string {
  if (expected !== undefined && expected !== found) {
    throw new GroundError(
      `${what} has sha256 ${found} and not the pinned ${expected}: find out which is right before the pin is changed`,
    );
  }
  return found;
}
