import type * as pulumi from "@pulumi/pulumi";

/** An image of the catalog as others see it, whether this stack has built it or another one has. */
export interface CatalogImage {
  /** The layer's name in the stack. */
  readonly layerName: string;
  /** The layer that it is built from; undefined for an operating system. */
  readonly parent: CatalogImage | undefined;
  /** The image's name in the registry. */
  readonly image: string;
  /** The version of what this layer adds. */
  readonly version: string;
  /** All tags, the one with the whole line of descent first, without registry and name. */
  readonly tags: readonly string[];
  /** `<registry>/<namespace>/<image>:<tag>@sha256:…`: what children are built from and containers run. */
  readonly ref: pulumi.Output<string>;
  /** The digest of the image's manifest. */
  readonly digest: pulumi.Output<string>;
}
