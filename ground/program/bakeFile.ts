import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cache } from "../../components/buildCache.ts";
import { BASES, IMAGE, layerName } from "./layers.ts";
import { type Recording, type Registration, recordedDigest } from "./record.ts";

/** One image, as https://docs.docker.com/build/bake/reference/ describes a target. */
export interface BakeTarget {
  readonly context: string;
  readonly dockerfile: string;
  readonly contexts: Record<string, string>;
  readonly args: Record<string, string>;
  readonly labels: Record<string, string>;
  readonly tags: string[];
  readonly platforms?: string[];
  readonly secret: string[];
  readonly "cache-from": string[];
  readonly "cache-to": string[];
  readonly output: string[];
  readonly attest: string[];
}

export interface BakeFile {
  readonly group: { default: { targets: string[] } };
  /** The digest of each image, empty until it is built; children carry it in a label. */
  readonly variable: Record<string, { default: string }>;
  readonly target: Record<string, BakeTarget>;
}

/** Where the build secrets are, relative to the project. */
export const SECRETS = ".catalog/secrets";
/** The names under which a child's Dockerfile finds the images that it is built from, by its build arguments. */
export const contextNames = { PARENT: "parent", BUILDER: "builder" } as const;

/** The name of a layer's target: bake allows neither dots nor slashes. */
export const targetName = (layer: string) => layer.replaceAll(/[^\w-]/g, "_");
const targetOf = (image: Registration) => targetName(layerName(image));
/** The variable with the digest of a target's image. */
export const digestVariable = (target: string) => `DIGEST_${target.replaceAll("-", "_")}`;

/** The images of a recording as bake targets; a child's context is its parent's target. */
export function bakeFile(recording: Recording): BakeFile {
  const byDigest = targetsByDigest(recording);
  const images = recording.resources.filter(({ type }) => type === IMAGE);
  const targets = images.map((image) => [targetOf(image), targetFrom(image, byDigest)] as const);
  return {
    group: { default: { targets: targets.map(([name]) => name) } },
    variable: Object.fromEntries(targets.map(([name]) => [digestVariable(name), { default: "" }])),
    target: Object.fromEntries(targets),
  };
}

/** Which target each digest that a recording has made up stands for. */
export function targetsByDigest({ resources }: Recording): Map<string, string> {
  const images = resources.filter(({ type }) => type === IMAGE);
  return new Map(images.map((image) => [recordedDigest(image.name), targetOf(image)]));
}

/** Writes the build secrets of a recording as files that only this user can read. @param folder the project. */
export function writeSecrets({ resources }: Recording, folder = "."): void {
  const images = resources.filter(({ type }) => type === IMAGE);
  const secrets: Record<string, string> = Object.assign({}, ...images.map(({ inputs }) => inputs.secrets));
  mkdirSync(join(folder, SECRETS), { recursive: true, mode: 0o700 });
  for (const [id, content] of Object.entries(secrets)) {
    writeFileSync(join(folder, SECRETS, id), content, { mode: 0o600 });
  }
}

function targetFrom({ inputs }: Registration, byDigest: ReadonlyMap<string, string>): BakeTarget {
  const { context, buildArgs, labels, tags, platforms, secrets, cacheFrom, cacheTo, exports } = inputs as {
    context: { location: string; named: Record<string, { location: string }> };
    buildArgs: Record<string, string>;
    labels: Record<string, string>;
    tags: string[];
    platforms?: string[];
    secrets: Record<string, string>;
    exports: { raw: string }[];
    cacheFrom: Cache[];
    cacheTo: Cache[];
  };
  // Of two names for one target, bake resolves but one.
  const names = new Map<string, string>();
  const bases = BASES.flatMap((base) => {
    const target = byDigest.get(buildArgs[base]?.split("@")[1] ?? "");
    if (target === undefined) return [];
    const name = names.get(target) ?? contextNames[base];
    names.set(target, name);
    return [[base, name, target] as const];
  });
  return {
    context: context.location,
    dockerfile: "Dockerfile",
    contexts: {
      ...mapValues(context.named, ({ location }) => literal(location)),
      ...Object.fromEntries(bases.map(([, context, target]) => [context, `target:${target}`])),
    },
    args: {
      ...mapValues(buildArgs, literal),
      ...Object.fromEntries(bases.map(([base, context]) => [base, context])),
    },
    labels: mapValues(labels, (value) => {
      const target = byDigest.get(value);
      return target ? `\${${digestVariable(target)}}` : literal(value);
    }),
    tags,
    ...(platforms ? { platforms } : {}),
    secret: Object.keys(secrets).map((id) => `id=${id},src=${SECRETS}/${id}`),
    "cache-from": enabled(cacheFrom),
    "cache-to": enabled(cacheTo),
    output: exports.map(({ raw }) => raw),
    // As the provider does: a provenance would make an index of each image.
    attest: ["type=provenance,disabled=true"],
  };
}

const enabled = (caches: readonly Cache[]) => caches.flatMap(({ raw, disabled }) => (disabled ? [] : raw));

/** Bake reads strings as templates. */
const literal = (value: string) => value.replaceAll(/([$%])\{/g, "$1$1{");

function mapValues<V, W>(record: Record<string, V>, map: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
