import { text } from "./wording.ts";

/** Which steps of a build are kept in the registry. */
export const buildCacheSetting = text(/^(none|min|max)$/, "none, min or max", "max").describe(
  "Which steps of each image's build are kept in the registry, for builders that start empty: `min` keeps those " +
    "that are in the image, `max` those of all stages, `none` nothing.",
);

/** A build cache as `docker buildx` takes it, and whether it is left alone. */
export type Cache = { readonly raw: string; readonly disabled: boolean };

/**
 * An image's build cache in a registry. Both inputs are there when it is not used as well: were they added later,
 * previews would not say what that changes. It is kept as an OCI image, since not every registry takes BuildKit's
 * own kind of index, and where it cannot be written, that is no failure: the image itself is pushed.
 * @param mode `none`, `min` or `max`.
 * @param reference where it is, one for each image: whoever writes it replaces what is there.
 */
export function buildCache(mode: string, reference: string): { cacheFrom: Cache[]; cacheTo: Cache[] } {
  const disabled = mode === "none";
  const from = `type=registry,ref=${reference}`;
  const to = `${from},mode=${disabled ? "max" : mode},oci-mediatypes=true,image-manifest=true,ignore-error=true`;
  return { cacheFrom: [{ raw: from, disabled }], cacheTo: [{ raw: to, disabled }] };
}

/** Where a build cache is; nothing of one that is not used. */
export const cacheReference = ({ raw, disabled }: Cache): string[] =>
  disabled ? [] : (/(?:^|,)ref=([^,]+)/.exec(raw)?.slice(1) ?? []);
