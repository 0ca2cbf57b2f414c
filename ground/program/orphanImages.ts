import type { Manifest } from "../tools/registry.ts";
import type { References } from "./references.ts";

/** A tag of a repository and what the registry has under it. */
export interface Tagged extends Manifest {
  /** Without the registry, such as "catalog/flask". */
  readonly repository: string;
  readonly tag: string;
}

/** An image with all its tags. */
export interface OrphanImage {
  readonly repository: string;
  readonly digest: string;
  readonly tags: readonly string[];
  readonly size: number | undefined;
}

/**
 * The images that nothing refers to: no stack by digest, none by any of their tags, and no index that is kept. Images
 * and not tags, since a registry deletes by digest, and with it all tags of that digest.
 * @param address the registry's.
 */
export function orphanImages(
  address: string,
  tagged: readonly Tagged[],
  references: References,
): OrphanImage[] {
  const isReferred = ({ repository, tag, digest }: Tagged) =>
    references.digests.has(digest) || references.tags.has(`${address}/${repository}:${tag}`);
  const kept = new Set(tagged.filter(isReferred).flatMap(({ digest, parts }) => [digest, ...parts]));
  const orphans = new Map<string, OrphanImage>();
  for (const { repository, digest, tag, size } of tagged.filter(({ digest }) => !kept.has(digest))) {
    const key = `${repository}@${digest}`;
    orphans.set(key, { repository, digest, size, tags: [...(orphans.get(key)?.tags ?? []), tag] });
  }
  return [...orphans.values()];
}
