import type { Cache } from "../../components/buildCache.ts";
import { IMAGE } from "./layers.ts";
import { type Recording, type Registration, recordedDigest } from "./record.ts";

/** One image, as https://docs.docker.com/build/bake/reference/ describes a target. */
export interface BakeTarget {
  readonly context: string;
  readonly dockerfile: string;
  readonly contexts: Record<string, string>;
  readonly args: Record<string, string>;
  readonly labels: Record<string, string>;
  readonly tags: string[];
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
/** The name under which a child's Dockerfile finds its parent. */
export const PARENT = "parent";

/** The name of a layer's target: bake allows neither dots nor slashes. */
export const targetName = (layer: string) => layer.replaceAll(/[^\w-]/g, "_");
const targetOf = ({ parent, name }: Registration) => targetName(parent ?? name);
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

/** The contents of the build secrets of a recording, by their names. */
export function secretsOf({ resources }: Recording): Record<string, string> {
  return Object.assign(
    {},
    ...resources.filter(({ type }) => type === IMAGE).map(({ inputs }) => inputs.secrets),
  );
}

function targetFrom({ inputs }: Registration, byDigest: ReadonlyMap<string, string>): BakeTarget {
  const { context, buildArgs, labels, tags, secrets, cacheFrom, cacheTo, exports } = inputs as {
    context: { location: string; named: Record<string, { location: string }> };
    buildArgs: Record<string, string>;
    labels: Record<string, string>;
    tags: string[];
    secrets: Record<string, string>;
    exports: { raw: string }[];
    cacheFrom: Cache[];
    cacheTo: Cache[];
  };
  const { PARENT: ref, ...args } = buildArgs;
  const parent = ref === undefined ? undefined : byDigest.get(ref.split("@")[1] as string);
  return {
    context: context.location,
    dockerfile: "Dockerfile",
    contexts: {
      ...mapValues(context.named, ({ location }) => literal(location)),
      ...(parent ? { [PARENT]: `target:${parent}` } : {}),
    },
    args: { ...mapValues(args, literal), ...(parent ? { PARENT } : {}) },
    labels: mapValues(labels, (value) => {
      const target = byDigest.get(value);
      return target ? `\${${digestVariable(target)}}` : literal(value);
    }),
    tags,
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
