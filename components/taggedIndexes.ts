import * as build from "@pulumi/docker-build";
import type * as pulumi from "@pulumi/pulumi";
import type { Registry } from "./registry.ts";

export interface TaggedIndexesArgs {
  /** Where they are pushed. */
  readonly registry: Registry;
  /** Whole, the version tag first. */
  readonly tags: readonly string[];
  /** The images in each of them, by digest. */
  readonly sources: readonly pulumi.Input<string>[];
}

/**
 * An index of the same images for each tag, the version tag's first.
 * @param name of the layer that they belong to.
 * @param options `parent`, that layer; `dependsOn`, what has to be there before.
 */
export function taggedIndexes(
  name: string,
  { registry, tags, sources }: TaggedIndexesArgs,
  options: Pick<pulumi.CustomResourceOptions, "parent" | "dependsOn">,
): [build.Index, ...build.Index[]] {
  const indexes: build.Index[] = [];
  for (const [i, tag] of tags.entries()) {
    const index = new build.Index(
      `${name}-index${i === 0 ? "" : `-${i + 1}`}`,
      { tag, sources: [...sources], ...(registry.login ? { registry: registry.login } : {}) },
      {
        ...options,
        provider: registry.buildProvider,
        hooks: i === 0 ? registry.indexHooks : registry.hooks,
        // A short tag moves, and does so when the version tag's index is there.
        dependsOn: indexes[0] ?? options.dependsOn ?? [],
        // What a digest or tag was replaced by, others may still run.
        retainOnDelete: true,
      },
    );
    indexes.push(index);
  }
  return indexes as [build.Index, ...build.Index[]];
}
