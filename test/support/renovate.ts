import { globSync, readFileSync } from "node:fs";

/** As much of renovate.json as finds versions. */
export interface CustomManager {
  readonly managerFilePatterns: readonly string[];
  readonly matchStrings: readonly string[];
  readonly matchStringsStrategy?: "any" | "recursive";
  readonly datasourceTemplate?: string;
}

export interface RenovateConfig {
  readonly customManagers: readonly CustomManager[];
  readonly packageRules: readonly {
    readonly matchPackageNames?: readonly string[];
    readonly matchManagers?: readonly string[];
    readonly matchDepNames?: readonly string[];
    readonly enabled?: boolean;
    readonly overridePackageName?: string;
  }[];
  readonly enabledManagers: readonly string[];
  readonly "pip-compile": { readonly managerFilePatterns: readonly string[] };
}

export const renovate = JSON.parse(readFileSync("renovate.json", "utf8")) as RenovateConfig;

/** Something that a custom manager has found. */
export interface Dependency {
  readonly depName?: string;
  readonly packageName?: string;
  readonly currentValue?: string;
  readonly currentDigest?: string;
}

/** What the custom managers find in a text that is in a file of this name. */
export function dependencies(file: string, text: string): Dependency[] {
  return renovate.customManagers
    .filter(({ managerFilePatterns }) => managerFilePatterns.some((pattern) => matches(pattern, file)))
    .flatMap(({ matchStrings, matchStringsStrategy: strategy = "any" }) =>
      strategy === "recursive"
        ? recursively(matchStrings, text)
        : matchStrings.flatMap((pattern) => recursively([pattern], text)),
    );
}

/** The files that a manager's pattern takes, from those of the checkout. */
export function filesOf(pattern: string): string[] {
  return globSync("{*,.github/**,components/**,docs/**,ground/**,images/**}").filter((file) =>
    matches(pattern, file),
  );
}

/** A pattern between slashes is a regular expression. */
function matches(pattern: string, file: string): boolean {
  return new RegExp(pattern.slice(1, -1)).test(file);
}

/** Each regular expression looks into what the one before has matched; the last one names what it has found. */
function recursively([pattern = "", ...rest]: readonly string[], text: string): Dependency[] {
  const found = [...text.matchAll(new RegExp(pattern, "g"))];
  if (rest.length > 0) return found.flatMap(([match]) => recursively(rest, match));
  return found.map(({ groups }) => ({ ...groups }));
}
