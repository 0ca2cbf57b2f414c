import { readFileSync } from "node:fs";
import { RunError } from "@pulumi/pulumi/errors.js";
import { stage } from "./buildContext.ts";
import type { Config } from "./settings.ts";
import type { DebianPackages, Mmdebstrap, Rootfs, Source } from "./sourceSettings.ts";
import { series } from "./tree.ts";

export type { Source, Sources } from "./sourceSettings.ts";

/** What `npm run up` makes on this machine before the program runs: an OCI layout in .catalog/sources/<key>. */
export interface PreparedSource {
  readonly key: string;
  readonly source:
    | Rootfs
    | (Mmdebstrap & { mirror?: string })
    | DebianPackages
    | { debianSource: string; suite: string; sha256: string; as: string };
}

/** All sources of a configuration that must be prepared on this machine; none where the internet gives them. */
export function preparedSources({
  systems,
  pyenvs,
  pythons,
  sources: { cpython },
}: Pick<Config, "systems" | "pyenvs" | "pythons" | "sources">): PreparedSource[] {
  const prepared: PreparedSource[] = [];
  for (const { base, archive } of systems) {
    if ("mmdebstrap" in base) {
      prepared.push({
        key: preparedKey("base", base),
        source: { ...base, ...(archive ? { mirror: archive } : {}) },
      });
    }
    if ("rootfs" in base) prepared.push({ key: preparedKey("base", base), source: base });
  }
  for (const { source } of pyenvs) {
    if ("debianPackages" in source) prepared.push({ key: preparedKey("pyenv", source), source });
  }
  for (const { version, sha256, source = cpython } of pythons) {
    if ("url" in source) continue;
    prepared.push({
      key: `cpython-${version}`,
      source: {
        debianSource: `python${series(version)}`,
        suite: source.debianSource,
        sha256,
        as: `Python-${version}`,
      },
    });
  }
  return prepared;
}

/**
 * The location of a source as BuildKit takes it for a named context. Folders are staged, so that only their
 * content counts; what was prepared on this machine is named relative to the project, so that no path of the
 * machine gets into the state.
 * @param name what the source is for: base, pyenv, application …
 * @throws RunError where a source should have been prepared and was not.
 */
export function contextOf(name: string, source: Source): string {
  if ("git" in source) return `${source.git}#${source.commit}`;
  if ("folder" in source) return stage(name, [source.folder]);
  return preparedContext(preparedKey(name, source));
}

/** The location of CPython's source archive, where it is not a plain download. */
export function preparedContext(key: string): string {
  const layout = `.catalog/sources/${key}`;
  let index: { manifests: [{ digest: string }] };
  try {
    index = JSON.parse(readFileSync(`${layout}/index.json`, "utf8"));
  } catch {
    throw new RunError(
      `The source ${key} is not prepared on this machine; run \`npm run up\`, which does it.`,
    );
  }
  return `oci-layout://${layout}@${index.manifests[0].digest}`;
}

function preparedKey(name: string, source: PreparedSource["source"]): string {
  if ("mmdebstrap" in source) return `${name}-${source.mmdebstrap}`;
  const { sha256 } = "debianPackages" in source ? (source.debianPackages[0] as { sha256: string }) : source;
  return `${name}-${sha256.slice(0, 12)}`;
}
