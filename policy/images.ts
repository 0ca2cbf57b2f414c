import { parseReference } from "../components/imageReference.ts";
import { isText, itemsOf, membersOf, type Resource } from "./policy.ts";

/** An image that is built. */
export const IMAGE = "docker-build:index:Image";
/** A tag that points at an image of another registry, which is how images are promoted. */
export const INDEX = "docker-build:index:Index";

/** The tags to which an image is pushed, as far as they are known. */
export function tagsOf({ props: { tag, tags } }: Resource): string[] {
  return [tag, ...itemsOf(tags)].filter(isText);
}

/** All references to which building an image pushes: its tags, and the caches that it writes. */
export function pushesOf(resource: Resource): string[] {
  const { cacheTo, exports } = resource.props;
  const raw = [...itemsOf(cacheTo), ...itemsOf(exports)]
    .map(membersOf)
    .filter(({ disabled }) => disabled !== true)
    .flatMap(({ raw }) => (isText(raw) ? raw.split(",") : []));
  // `type=registry,ref=…` of a cache, `type=image,name=…` of an export.
  const named = raw.flatMap((option) => /^(?:ref|name)=(.+)$/.exec(option)?.[1] ?? []);
  return [...tagsOf(resource), ...named];
}

/** The host, with its port, of a reference. */
export const hostOf = (reference: string): string => parseReference(reference).host;

/** Whether an image reference names content and not a tag, which may be other content tomorrow. */
export const isPinned = (reference: string): boolean => /(^|@)sha256:/.test(reference);
