import * as pulumi from "@pulumi/pulumi";
import type { Catalog } from "./catalog.ts";
import type { CatalogImage } from "./catalogImage.ts";
import type { SourceImage } from "./sourceStack.ts";
import { taggedIndexes } from "./taggedIndexes.ts";

export interface PromotedArgs {
  /** Where it goes. */
  readonly catalog: Pick<Catalog, "registry" | "namespace">;
  /** The image as the stack that it comes from has it. */
  readonly source: SourceImage;
  /** What it is built from, promoted before it; undefined for an operating system. */
  readonly parent: CatalogImage | undefined;
}

/** An image of another stack, copied by digest into this stack's registry, under the same tags. */
export class Promoted extends pulumi.ComponentResource implements CatalogImage {
  public readonly layerName: string;
  public readonly parent: CatalogImage | undefined;
  public readonly image: string;
  public readonly version: string;
  public readonly tags: readonly string[];
  public readonly ref: pulumi.Output<string>;
  public readonly digest: pulumi.Output<string>;

  /** @param options `dependsOn` names its parent, or the registry. */
  public constructor(name: string, args: PromotedArgs, options: pulumi.ComponentResourceOptions) {
    super("catalog:image:Promoted", name, {}, options);
    const { catalog, source, parent } = args;
    const { registry, namespace } = catalog;
    const repository = `${registry.address}/${namespace}/${source.image}`;
    this.layerName = name;
    this.parent = parent;
    this.image = source.image;
    this.version = source.version;
    this.tags = source.tags;

    const indexes = taggedIndexes(
      name,
      { registry, tags: source.tags.map((tag) => `${repository}:${tag}`), sources: [source.ref] },
      { parent: this, ...(options.dependsOn ? { dependsOn: options.dependsOn } : {}) },
    );
    // What is copied has the same digest in every registry, in an index of its own or being one. It is text and no output
    // of the index, which would be unknown at preview.
    const copied = pulumi.all(indexes.map(({ urn }) => urn));
    this.ref = copied.apply(() => `${repository}:${source.tags[0]}@${source.digest}`);
    this.digest = copied.apply(() => source.digest);
    this.registerOutputs({ ref: this.ref, digest: this.digest, tags: this.tags, version: this.version });
  }
}
