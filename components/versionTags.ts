import { containsUnknowns, isUnknown } from "@pulumi/pulumi";
import type { Manifest } from "./registryClient.ts";

/** The inputs of an image that tell what is pushed where. */
interface ImageInputs {
  /** The version tag first. */
  readonly tags: readonly [string, ...string[]];
  readonly labels: Readonly<Record<string, unknown>>;
}

/** An image that is about to be built. At preview, what comes of builds before it is unknown. */
export interface ImageStep {
  readonly newInputs: ImageInputs;
  /** What the state has; undefined for an image that is new to it. */
  readonly oldInputs?: ImageInputs | undefined;
  readonly oldOutputs?: { readonly digest?: string } | undefined;
}

/** An index that is about to be made of images that are in a registry. */
export interface IndexStep {
  readonly newInputs: {
    readonly tag: string;
    /** The images by their digests. */
    readonly sources: readonly string[];
  };
  /** What the state has; undefined for an index that is new to it. */
  readonly oldOutputs?: { readonly ref?: string } | undefined;
}

/** Inputs that say who builds, with whose help and logins, and where it goes: not what is in the image. */
const NOT_CONTENT = [
  ...["builder", "buildOnPreview", "cacheFrom", "cacheTo", "load", "noCache", "pull", "push", "tags"],
  ...["ignoreSecretsInDiffCalculation", "registries", "secrets", "ssh"],
];
const TITLE = "org.opencontainers.image.title";
const VERSION = "org.opencontainers.image.version";

/**
 * Why an image may not be pushed to its version tag, and what to do. Which digest a build gives is known only after it,
 * so the rule is about inputs: what is published stays, unless it is this stack's own and nothing changes in it.
 * @param published what the registry has under the tag.
 * @returns undefined if it may.
 */
export function imageRefusal(
  { newInputs, oldInputs, oldOutputs }: ImageStep,
  published: Manifest,
): string | undefined {
  const own = oldOutputs?.digest === published.digest;
  if (own && !differ(contentOf(oldInputs), contentOf(newInputs))) return undefined;
  const release = `${newInputs.labels[VERSION]}`;
  const revision = Number(/-r(\d+)$/.exec(release)?.[1] ?? 1) + 1;
  const problem = own
    ? "what goes into it changes"
    : `this stack's state does not know it (${published.digest})`;
  return (
    `${newInputs.tags[0]} is published, and ${problem}: give ${newInputs.labels[TITLE]} ${release} ` +
    `\`revision: ${revision}\` in the stack file, or set registry.overwrite to true.`
  );
}

/**
 * Why an index may not be pushed to its version tag, and what to do. Its digest depends on who has made it; what counts
 * is the images in it, and those that are published stay. Where a preview does not know them yet, the tag has to be
 * this stack's own.
 * @param published what the registry has under the tag.
 * @returns undefined if it may.
 */
export function indexRefusal(
  { newInputs: { tag, sources }, oldOutputs }: IndexStep,
  published: Manifest,
): string | undefined {
  const own = oldOutputs?.ref?.endsWith(`@${published.digest}`) ?? false;
  const known = !containsUnknowns(sources);
  if (known ? hasAll(sources, published) : own) return undefined;
  const problem = known ? "has another image" : "this stack's state does not know it";
  return (
    `${tag} is published, and ${problem} (${published.digest}): a \`revision\` in the stack that builds it ` +
    "gives it a tag of its own, or set registry.overwrite to true."
  );
}

/** Whether all that is published, an image or those in an index, is among the sources. */
function hasAll(sources: readonly string[], { digest, parts }: Manifest): boolean {
  const coming = sources.map((source) => source.split("@")[1]);
  return coming.includes(digest) || (parts.length > 0 && parts.every((part) => coming.includes(part)));
}

/**
 * Whether a version tag changes with others: it says the line that its image is built on.
 * @param names the others' names and tags, such as "python3.13.5-debian13".
 */
export function isNamedAfter(tag: string, names: readonly string[]): boolean {
  return names.some((name) => tag.endsWith(`-${name}`));
}

function contentOf(inputs: ImageInputs | undefined): object {
  return Object.fromEntries(Object.entries(inputs ?? {}).filter(([name]) => !NOT_CONTENT.includes(name)));
}

/**
 * Whether anything differs that is known. At preview the outcome of a build is not: a parent that is only written down
 * anew may come out the same, and the update asks once more.
 */
function differ(before: unknown, after: unknown): boolean {
  if (isUnknown(after)) return false;
  if (!isObject(before) || !isObject(after)) return before !== after;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].some((key) =>
    differ(before[key], after[key]),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
