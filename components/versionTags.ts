import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { digestOf, RegistryError } from "./registryClient.ts";

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

interface Login {
  readonly username: string;
  /** Without one, the user's own login. */
  readonly password?: pulumi.Output<string> | undefined;
}

/** Inputs that say who builds and where it goes, not what is in the image. */
const NOT_CONTENT = ["tags", "builder", "secrets"];
const TITLE = "org.opencontainers.image.title";
const VERSION = "org.opencontainers.image.version";

/**
 * Why an image may not be pushed to its version tag, and what to do. Which digest a build gives is known only after it,
 * so the rule is about inputs: what is published stays, unless it is this stack's own and nothing changes in it.
 * @param published the digest that the registry has under the tag.
 * @returns undefined if it may.
 */
export function refusal(step: ImageStep, published: string): string | undefined {
  const { newInputs, oldInputs, oldOutputs } = step;
  const own = oldOutputs?.digest === published;
  if (own && isDeepStrictEqual(contentOf(oldInputs), contentOf(newInputs))) return undefined;
  const release = `${newInputs.labels[VERSION]}`;
  const revision = Number(/-r(\d+)$/.exec(release)?.[1] ?? 1) + 1;
  const problem = own ? "what goes into it changes" : `this stack's state does not know it (${published})`;
  return (
    `${newInputs.tags[0]} is published, and ${problem}: give ${newInputs.labels[TITLE]} ${release} ` +
    `\`revision: ${revision}\` in the stack file, or set registry.overwrite to true.`
  );
}

/**
 * Whether an image's version tag changes with those of others: it says the line that it is built on.
 * @param names the others' names and tags, such as "python3.13.5-debian13".
 */
export function isNamedAfter({ newInputs }: ImageStep, names: readonly string[]): boolean {
  return names.some((name) => newInputs.tags[0].endsWith(`-${name}`));
}

/**
 * Looks, before an image is created or updated, whether its version tag may be pushed to. A preview says all that is
 * refused, then it fails, and with it a `pulumi up` before it has built anything. Where there was no preview, the first
 * image that is refused fails before it is built.
 */
export function versionTagGuard(registry: Login): (step: ImageStep) => Promise<void> {
  const refused: string[] = [];
  const ask = publishedIn(registry);
  return async (step) => {
    const [tag] = step.newInputs.tags;
    const published = await ask(tag);
    const problem = published && refusal(step, published);
    if (!problem) return;
    if (!pulumi.runtime.isDryRun()) throw new Error(problem);
    // What gets another tag with an image that it is built on is no news.
    if (!isNamedAfter(step, refused)) await pulumi.log.error(problem);
    refused.push(tag.slice(tag.lastIndexOf("/") + 1).replace(":", ""));
    // The SDK's own code for "the errors have been logged": a preview does not fail by what is only logged.
    process.exitCode = 32;
  };
}

/**
 * Asks for the digest that a tag has in the registry; undefined where it has none. A registry that does not answer is
 * asked once, and a warning at preview; a build would not get far.
 */
function publishedIn({ username, password }: Login): (tag: string) => Promise<string | undefined> {
  let silent = false;
  return async (tag) => {
    if (silent) return undefined;
    try {
      return await digestOf(tag, password && { login: { username, password: await plain(password) } });
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      if (error.status === 404 || silent) return undefined;
      const answered = error.status !== undefined;
      if (!answered && !pulumi.runtime.isDryRun()) throw error;
      silent = !answered;
      // Some registries refuse what is not there yet; if that is not it, they refuse the push too.
      await pulumi.log.warn(`Whether ${tag} is published is not known: ${error.message}.`);
      return undefined;
    }
  };
}

function contentOf(inputs: ImageInputs | undefined): object {
  return Object.fromEntries(Object.entries(inputs ?? {}).filter(([name]) => !NOT_CONTENT.includes(name)));
}

function plain(secret: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => secret.apply(resolve));
}
