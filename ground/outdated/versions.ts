/** What is newer than what, by the rules of those who give the versions. */
import * as pep440 from "@renovatebot/pep440";
import semver from "semver";

/** How versions of a kind are compared; a pre-release is no release. */
export interface Scheme {
  isRelease(version: string): boolean;
  /** Negative where `a` is older than `b`. */
  compare(a: string, b: string): number;
  /** What a version has in common with its patches: `3.13` of `3.13.5`. */
  series(version: string): string;
}

const numbersOf = (version: string) => version.split(".").map(Number);

/** As Python's packages and Python itself are numbered (PEP 440). */
export const python: Scheme = {
  isRelease(version) {
    const parts = pep440.explain(version);
    return parts !== null && !parts.is_prerelease && !parts.is_devrelease && parts.local === null;
  },
  compare: (a, b) => pep440.compare(a, b),
  series(version) {
    const { epoch = 0, release = [] } = pep440.explain(version) ?? {};
    return `${epoch}!${release[0] ?? 0}.${release[1] ?? 0}`;
  },
};

/** As npm, Go modules and most tags of git are numbered. */
export const semantic: Scheme = {
  isRelease: (version) => semver.parse(version)?.prerelease.length === 0,
  compare: (a, b) => semver.compare(a, b),
  series: (version) => `${semver.major(version)}.${semver.minor(version)}`,
};

/** Numbers and dots. Fewer than three numbers name a series as a whole: Debian 13, Java 21, Alpine 3.22. */
export const numbers: Scheme = {
  isRelease: (version) => /^\d+(\.\d+)*$/.test(version),
  compare(a, b) {
    const [left, right] = [numbersOf(a), numbersOf(b)];
    const at = left.findIndex((number, i) => number !== (right[i] ?? -1));
    return at === -1 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
  },
  series: (version) => version.split(".").slice(0, 2).join("."),
};

/** The newest release of the pinned version's series, and the newest of all. */
export interface Newer {
  readonly patch: string;
  readonly newest: string;
}

/** What of `versions` is newest; the pinned version where nothing is newer, whether or not it is among them. */
export function newer(versions: readonly string[], pinned: string, scheme: Scheme): Newer {
  const later = versions
    .filter((version) => scheme.isRelease(version) && scheme.compare(version, pinned) > 0)
    .sort(scheme.compare);
  const series = scheme.series(pinned);
  return {
    patch: later.findLast((version) => scheme.series(version) === series) ?? pinned,
    newest: later.at(-1) ?? pinned,
  };
}
