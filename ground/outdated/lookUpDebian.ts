/** What archives of operating systems have. */
import { archiveUrl } from "./debianArchive.ts";
import type { Found } from "./lookUp.ts";
import type { Outside } from "./outside.ts";
import type { System } from "./pins.ts";
import { newer, numbers, python, semantic } from "./versions.ts";

/** Where Debian's newest packages are, whatever the catalog's suite. */
const UNSTABLE = "sid";

/** What is before the package's own revision: `2.5.4` of `2.5.4-1`. */
const upstream = (version: string) => version.replace(/^\d+:/, "").replace(/-[^-]*$/, "");

/** The suite's newest version of a package, and sid's. */
export async function lookUpPackage(
  pinned: string,
  { debianPackage, suite }: { debianPackage: string; suite: string },
  ask: Outside,
): Promise<Found> {
  const versions = async (of: string) => (await ask.debian(of)).package(debianPackage);
  const [own, unstable] = [await versions(suite), await versions(UNSTABLE)];
  const best = (among: ReadonlyMap<string, string>) => {
    const { newest } = newer([...among.keys()].map(upstream), upstream(pinned), semantic);
    // apt gives a package's newest revision first.
    const first = [...among.keys()].find((each) => upstream(each) === newest);
    return first ?? pinned;
  };
  const [patch, newest] = [best(own), best(unstable)];
  const pins = [
    ...(patch === pinned ? [] : [`${debianPackage} ${patch} of ${suite}: sha256 ${own.get(patch)}`]),
    ...(newest === pinned || newest === patch
      ? []
      : [`${debianPackage} ${newest} of ${UNSTABLE}: sha256 ${unstable.get(newest)}`]),
  ];
  // A version that left the suite cannot be downloaded any more.
  const notes = own.has(pinned) ? [] : [`${suite} has ${pinned} no longer`];
  return { patch, newest, pins, notes };
}

/** The newest CPython of the pinned series, and of all, in the source packages of the suite and of sid. */
export async function lookUpCpython(pinned: string, suite: string, ask: Outside): Promise<Found> {
  const [own, unstable] = [await cpythons(suite, ask), await cpythons(UNSTABLE, ask)];
  const all = new Map([...unstable, ...own]);
  const found = newer([...all.keys()], pinned, python);
  const pins = [...new Set([found.patch, found.newest])]
    .filter((each) => each !== pinned)
    .map((each) => `cpython ${each} of ${own.has(each) ? suite : UNSTABLE}: sha256 ${all.get(each)}`);
  return { ...found, pins };
}

async function cpythons(suite: string, ask: Outside): Promise<Map<string, string>> {
  const archive = await ask.debian(suite);
  const names = (await archive.names("python3.")).filter((name) => /^python3\.\d+$/.test(name));
  const files = await Promise.all(names.map((name) => archive.sourceFiles(name)));
  return new Map(
    files
      .flatMap((each) => [...each])
      .flatMap(([file, sha256]) => {
        const version = /_(\d+\.\d+\.\d+)\.orig\.tar\.xz$/.exec(file)?.[1];
        return version ? [[version, sha256]] : [];
      }),
  );
}

/** The point release that a suite is at, and the stable suite. */
export async function lookUpRelease(suite: string, mirror: string | undefined, ask: Outside): Promise<Found> {
  const [own, stable] = [await releaseOf(suite, mirror, ask), await releaseOf("stable", mirror, ask)];
  const notes = own.version ? [`${suite} is Debian ${own.version}`] : [];
  if (stable.codename !== suite) notes.push(`${stable.codename} is Debian ${stable.version}`);
  return { patch: suite, newest: stable.codename, notes };
}

async function releaseOf(suite: string, mirror: string | undefined, ask: Outside) {
  const text = await ask.read(`${await archiveUrl(suite, mirror)}/dists/${suite}/Release`);
  const field = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(text)?.[1] ?? "";
  return { codename: field("Codename"), version: field("Version") };
}

/** The newest build of a Java, and the newest Java, in the archive of an operating system. */
export async function lookUpJava(pinned: string, system: System, ask: Outside): Promise<Found> {
  const builds = system.name === "alpine" ? await alpineJavas(system, ask) : await debianJavas(system, ask);
  const { newest } = newer([...builds.keys()], pinned, numbers);
  const build = builds.get(pinned);
  const notes = [build ? `${pinned} is ${build}` : `${system.name} ${system.version} has no Java ${pinned}`];
  return { patch: pinned, newest, notes };
}

async function debianJavas(system: System, ask: Outside): Promise<Map<string, string>> {
  const archive = await ask.debian(await suiteOf(system, ask));
  const builds = new Map<string, string>();
  for (const name of await archive.names("openjdk-")) {
    const feature = /^openjdk-(\d+)-jre-headless$/.exec(name)?.[1];
    const build = feature && [...(await archive.package(name)).keys()][0];
    if (feature && build) builds.set(feature, build.replace(/[~-].*$/, ""));
  }
  return builds;
}

/** The suite of a Debian by its version, which only the archive knows. */
async function suiteOf({ version, base, archive }: System, ask: Outside): Promise<string> {
  if ("mmdebstrap" in base) return base.mmdebstrap;
  for (const suite of ["stable", "oldstable", "testing"]) {
    const release = await releaseOf(suite, archive, ask);
    if (release.version.split(".")[0] === version.split(".")[0]) return release.codename;
  }
  return "stable";
}

/** Alpine lists the files of a release's archive. */
async function alpineJavas({ version, archive }: System, ask: Outside): Promise<Map<string, string>> {
  const from = archive?.replace(/\/$/, "") ?? "https://dl-cdn.alpinelinux.org/alpine";
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const builds = new Map<string, string>();
  for (const part of ["main", "community"]) {
    const listing = await ask.read(`${from}/v${numbers.series(version)}/${part}/${architecture}/`);
    for (const [, feature = "", build = ""] of listing.matchAll(
      />openjdk(\d+)-jre-headless-(\d[\w.]*?)-r\d+\.apk</g,
    )) {
      builds.set(feature, build);
    }
  }
  return builds;
}
