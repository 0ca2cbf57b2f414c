import * as pulumi from "@pulumi/pulumi";
import { parseReference } from "./imageReference.ts";
import { digestOf, RegistryError } from "./registryClient.ts";
import type { BaseSource } from "./sourceSettings.ts";
import { contextOf } from "./sources.ts";

/** What an operating system is built on. */
export interface BaseImage {
  /** As people name it, such as "debian:13-slim". */
  readonly name: string;
  readonly digest: pulumi.Output<string>;
  /** As BuildKit takes it for a named context. */
  readonly location: pulumi.Output<string>;
}

/**
 * The base of an operating system: an image, which is followed, or a root file system, which is what its key says.
 * @throws RunError where a root file system should have been prepared and was not.
 */
export function baseOf(source: BaseSource): BaseImage {
  if ("image" in source) return followBase(source.image);
  const name =
    "mmdebstrap" in source ? `mmdebstrap:${source.mmdebstrap}` : (source.rootfs.split("/").at(-1) as string);
  const location = contextOf("base", source);
  return { name, digest: pulumi.output(location.split("@")[1] as string), location: pulumi.output(location) };
}

/**
 * Follows a base image: its digest is the one that its tag has now, asked of its registry at every preview and `up`, so
 * that a base that has moved upstream is a diff. One without a tag is not followed, and nothing is asked.
 *
 * Where the registry gives no digest within 5 seconds there is a warning, and the pinned digest is the base: then the
 * stack file is all that is known. So where `up` has built on a newer digest and the pin is still the old one, that
 * preview lists the way back to the pin, and `up` would go it. Whoever takes the newer digest over into the stack
 * file, as the message about it says, has no such diff.
 * @param image with its pinned digest, such as "debian:13-slim@sha256:…".
 */
export function followBase(image: string): BaseImage {
  const [name, pinned] = image.split("@") as [string, string];
  const { tag } = parseReference(name);
  const digest = pulumi.output(tag === undefined ? pinned : digestNow(name, pinned));
  return { name, digest, location: pulumi.interpolate`docker-image://${name}@${digest}` };
}

async function digestNow(name: string, pinned: string): Promise<string> {
  try {
    const now = await digestOf(name);
    if (now !== pinned) {
      pulumi.log.info(
        `${name} has moved from ${short(pinned)} to ${short(now)}, which is built on now; ` +
          "the pin in the stack file can be updated.",
      );
    }
    return now;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    pulumi.log.warn(`Whether ${name} has moved is not known: ${error.message}; the pinned digest is kept.`);
    return pinned;
  }
}

const short = (digest: string) => digest.slice("sha256:".length, "sha256:".length + 12);
