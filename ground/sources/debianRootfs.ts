/** Debian's root file system, made from its signed archive. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { must, run, which } from "../tools/exec.ts";
import { GroundError, note } from "../tools/log.ts";
import { type MirrorOption, sourceLines, suitePlaces } from "./apt.ts";

/** What the upper layers need of dpkg and apt, too, so these settings stay in the image. */
const dpkgOptions = [
  ...["man", "info", "groff", "locale", "lintian", "linda", "bug", "doc"].map(
    (folder) => `path-exclude=/usr/share/${folder}/*`,
  ),
  // Licenses want to be passed on with what they license.
  "path-include=/usr/share/doc/*/copyright",
];
const aptOptions = [
  'Acquire::Languages "none"',
  // Else what a removed group of packages has brought along stays, because something merely suggests it.
  'APT::AutoRemove::SuggestsImportant "false"',
];

/** Later file times become this one, in seconds, so that it does not matter when the root file system is made. */
const epoch = "1735689600";

/** Run on the host, with the root file system's folder as $1. */
const hooks = [
  // The host's proxies and certificates are for the making only.
  '--setup-hook=apt-config dump Acquire > "$1/etc/apt/apt.conf.d/00host"',
  '--customize-hook=rm "$1/etc/apt/apt.conf.d/00host" "$1/etc/resolv.conf" "$1/etc/hostname"',
  '--customize-hook=rm -f "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old',
  // What debconf makes again when it is missing.
  '--customize-hook=rm -f "$1"/var/cache/debconf/templates.dat',
];

/** How it is made: what was made in another way is to be made again. */
export const recipe: readonly string[] = [...dpkgOptions, ...aptOptions, epoch, ...hooks];

/**
 * Makes a minimal root file system from a suite of Debian, with working apt and security updates, without
 * documentation but for licenses. The same packages give the same bytes. It takes about 17 s.
 *
 * @param file where to, ending in .tar
 * @throws GroundError where mmdebstrap is not there and cannot be installed, or fails
 */
export async function debianRootfs(
  suite: string,
  file: string,
  { mirror }: MirrorOption = {},
): Promise<void> {
  const lines = sourceLines("deb", await suitePlaces(suite, mirror));
  await installMmdebstrap();
  await must(
    "mmdebstrap",
    [
      "--variant=minbase",
      "--quiet",
      // Container runtimes make their own devices, and unprivileged ones may not unpack any.
      "--skip=output/dev",
      ...dpkgOptions.map((option) => `--dpkgopt=${option}`),
      ...aptOptions.map((option) => `--aptopt=${option}`),
      ...hooks,
      suite,
      file,
      "-",
    ],
    { input: lines, env: { SOURCE_DATE_EPOCH: epoch } },
  );
  await addEmptyDev(file);
}

/** Without its mount point, /dev and the time of its making would be in the first layer that runs anything. */
async function addEmptyDev(file: string): Promise<void> {
  const root = await mkdtemp(`${file}.`);
  await mkdir(join(root, "dev"));
  const owner = ["--owner=root:0", "--group=root:0", "--mode=0755", `--mtime=@${epoch}`];
  await must("tar", ["--append", "--format=pax", ...owner, "-f", file, "-C", root, "./dev"]);
  await rm(root, { recursive: true });
}

async function installMmdebstrap(): Promise<void> {
  if (which("mmdebstrap")) return;
  if (process.getuid?.() !== 0) {
    throw new GroundError(
      "mmdebstrap, which makes Debian's root file system, is not installed: run `sudo apt-get install mmdebstrap`.",
    );
  }
  note("debian", "installing mmdebstrap with apt-get…");
  const install = ["install", "--yes", "--no-install-recommends", "-qq", "mmdebstrap"];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  if ((await run("apt-get", install, { env })).code === 0) return;
  await must("apt-get", ["update", "-qq"]);
  await must("apt-get", install, { env });
}
