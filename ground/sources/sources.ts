/**
 * The sources that this machine prepares for the catalog, because no registry or download gives them here: each
 * becomes an OCI layout in the cache, which BuildKit takes as the named context `oci-layout://…@sha256:…`.
 */
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { machineArchitecture } from "../../components/platforms.ts";
import type { Config } from "../../components/settings.ts";
import { type PreparedSource, preparedSources } from "../../components/sources.ts";
import { cacheDir, once, sha256File } from "../tools/cache.ts";
import { must } from "../tools/exec.ts";
import { GroundError, note, say } from "../tools/log.ts";
import { debianPackage, debianSourceFile, verified } from "./debian.ts";
import { debianRootfs, recipe } from "./debianRootfs.ts";
import { folderTar, layoutDigest, ociLayout } from "./oci.ts";

/** Where a prepared source comes from. Every kind is pinned, or signed by Debian. */
export type GroundSource = PreparedSource["source"];

/** A source that is there: an OCI layout and its image's digest. */
export interface Materialized {
  digest: string;
  folder: string;
}

/** Prepares all that a configuration names, where a checkout's program finds it. Default: this one. */
export async function prepareSources(config: Config, checkout = process.cwd()): Promise<void> {
  sourcesLink(checkout);
  for (const { key, source } of preparedSources(config)) await materialize(source, key);
}

/**
 * Makes a source into an OCI layout, unless the layout that is there was made from the very same source.
 *
 * @param key readable name of the layout, such as `base-trixie` or `cpython-3.13.5`
 * @throws GroundError when the source cannot be had, or is not what was pinned
 */
export async function materialize(source: GroundSource, key: string): Promise<Materialized> {
  const folder = join(cacheDir("sources"), key);
  // The architecture belongs to it: a home may be shared by machines of several.
  const how = "mmdebstrap" in source ? { recipe } : {};
  const spec = `${JSON.stringify({ source, architecture: machineArchitecture(), ...how })}\n`;
  if (existsSync(join(folder, "spec.json")) && readFileSync(join(folder, "spec.json"), "utf8") === spec) {
    const digest = layoutDigest(folder);
    say("source", `${key} in the cache, ${digest.slice(0, 19)}`);
    return { digest, folder };
  }
  note("source", `${key}: making it from ${describe(source)}…`);
  const start = Date.now();
  await rm(folder, { recursive: true, force: true });
  await once(folder, async (making) => {
    const work = join(making, "work");
    await mkdir(work, { recursive: true });
    const layer = await layerOf(source, work);
    await ociLayout(making, [layer]);
    await rm(work, { recursive: true });
    await writeFile(join(making, "spec.json"), spec);
  });
  const digest = layoutDigest(folder);
  say("source", `${key} made in ${Math.round((Date.now() - start) / 1000)} s, ${digest.slice(0, 19)}`);
  return { digest, folder };
}

function describe(source: GroundSource): string {
  if ("mmdebstrap" in source) return `the signed archive of Debian's ${source.mmdebstrap}, about 20 s`;
  if ("debianPackages" in source) {
    const packages = source.debianPackages.map(({ name, version }) => `${name} ${version}`);
    return `Debian's package ${packages.join(" and ")}`;
  }
  if ("debianSource" in source) return `Debian's source package ${source.debianSource}`;
  return source.rootfs;
}

/** The one layer of a source's image, made in the folder `work` unless it is there already. */
async function layerOf(source: GroundSource, work: string): Promise<string> {
  if ("mmdebstrap" in source) {
    const archive = join(work, "rootfs.tar");
    await debianRootfs(source.mmdebstrap, archive, source.mirror ? { mirror: source.mirror } : {});
    return archive;
  }
  if ("rootfs" in source) return rootfsArchive(source, work);

  const content = join(work, "content");
  if ("debianPackages" in source) {
    const { debianPackages: packages, suite, path } = source;
    for (const { name, version, sha256 } of packages) {
      const { folder } = await debianPackage(name, suite, { version, sha256 });
      if (!existsSync(join(folder, path))) {
        throw new GroundError(
          `Debian's package ${name} ${version} has no ${path}: correct the source's path.`,
        );
      }
      await copyClosed(join(folder, path), content);
    }
  } else {
    const file = await debianSourceFile(source.debianSource, source.suite, source.sha256);
    await mkdir(content);
    await cp(file, join(content, `${source.as}${/\.tar\.\w+$/.exec(file)?.[0] ?? ""}`));
  }
  const archive = join(work, "content.tar");
  await folderTar(content, archive);
  return archive;
}

async function rootfsArchive({ rootfs, sha256 }: { rootfs: string; sha256: string }, work: string) {
  let archive = resolve(rootfs);
  if (/^https?:/.test(rootfs)) {
    archive = join(work, "rootfs");
    // curl knows the host's proxies and certificates.
    await must("curl", ["--fail", "--silent", "--show-error", "--location", "--output", archive, rootfs]);
  } else if (!existsSync(archive)) {
    throw new GroundError(`The root file system ${rootfs} is not there: correct the source's path.`);
  }
  verified(`The root file system ${rootfs}`, sha256, await sha256File(archive));
  return archive;
}

/** Copies a folder without the links that lead out of it: what they lead to is not in the image. */
async function copyClosed(from: string, to: string): Promise<void> {
  const filter = (path: string) => {
    if (!lstatSync(path).isSymbolicLink()) return true;
    const target = resolve(dirname(path), readlinkSync(path));
    return target.startsWith(`${from}/`) && existsSync(target);
  };
  await cp(from, to, { recursive: true, verbatimSymlinks: true, filter });
}

/** Makes `<checkout>/.catalog/sources` lead to the cache, so that a source's name holds no path of this machine. */
export function sourcesLink(checkout: string): void {
  const link = join(checkout, ".catalog", "sources");
  const target = cacheDir("sources");
  const there = lstatSync(link, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && readlinkSync(link) === target) return;
  if (there !== undefined && !there.isSymbolicLink()) {
    throw new GroundError(`${link} is no link to the cache, as it should be: move it away.`);
  }
  rmSync(link, { force: true });
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(target, link);
}
