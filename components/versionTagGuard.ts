import * as pulumi from "@pulumi/pulumi";
import { type Manifest, manifestOf, RegistryError } from "./registryClient.ts";
import { isNamedAfter } from "./versionTags.ts";

interface Login {
  readonly username: string;
  /** Without one, the user's own login. */
  readonly password?: pulumi.Output<string> | undefined;
}

/** The version tag to which a step would push. */
type TagOf<Step> = (step: Step) => string;
/** Why it may not; undefined if it may. */
type Refusal<Step> = (step: Step, published: Manifest) => string | undefined;

/**
 * Looks, before something is created or updated, whether its version tag may be pushed to. A preview says all that is
 * refused, then it fails, and with it a `pulumi up` before it has built anything. Where there was no preview, the first
 * that is refused fails before it is built.
 */
export function versionTagGuard<Step>(
  registry: Login,
  tagOf: TagOf<Step>,
  refusal: Refusal<Step>,
): (step: Step) => Promise<void> {
  const refused: string[] = [];
  const ask = publishedIn(registry);
  return async (step) => {
    const tag = tagOf(step);
    const published = await ask(tag);
    const problem = published && refusal(step, published);
    if (!problem) return;
    if (!pulumi.runtime.isDryRun()) throw new Error(problem);
    // What gets another tag with an image that it is built on is no news.
    if (!isNamedAfter(tag, refused)) await pulumi.log.error(problem);
    refused.push(tag.slice(tag.lastIndexOf("/") + 1).replace(":", ""));
    // The SDK's own code for "the errors have been logged": a preview does not fail by what is only logged.
    process.exitCode = 32;
  };
}

/**
 * Asks for what a tag is in the registry; undefined where it has none. A registry that does not answer is asked once,
 * and a warning at preview; a build would not get far.
 */
function publishedIn({ username, password }: Login): (tag: string) => Promise<Manifest | undefined> {
  let silent = false;
  return async (tag) => {
    if (silent) return undefined;
    try {
      return await manifestOf(tag, password && { login: { username, password: await plain(password) } });
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

function plain(secret: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => secret.apply(resolve));
}
