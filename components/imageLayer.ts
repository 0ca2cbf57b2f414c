import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { Catalog } from "./catalog.ts";
import type { CatalogImage } from "./catalogImage.ts";
import { architectureOf } from "./platforms.ts";
import type { Registry } from "./registry.ts";
import { taggedIndexes } from "./taggedIndexes.ts";

/** The time of all that is built, in seconds: the first that zip archives can hold, 1980-01-01. */
const SOURCE_DATE_EPOCH = "315532800";

/**
 * How layers are pushed. Not `push: true`, the same but for the times: layers built twice are the same to the byte. BuildKit
 * compresses each layer twice for that, while the image's children wait: level 2 takes less than half as long as its default, for
 * layers that are 7 % larger. It is one for all images, as they share layers.
 */
const EXPORT = "type=registry,rewrite-timestamp=true,compression-level=2";

/** What every kind of layer is given. */
export interface LayerArgs {
  /** What all layers of a catalog share. */
  readonly catalog: Catalog;
}

/** What a kind of layer says of itself. Names and versions are plain text: tags are made of them before any build. */
export interface ImageLayerArgs extends LayerArgs {
  /** The image's name in the registry, such as "flask". */
  readonly image: string;
  /** The version of what this layer adds, such as "3.1.3". */
  readonly version: string;
  /** What tags say beside the version where there are several images of it, such as "slim". */
  readonly variant?: string;
  /** Which publication of that version it is; from the second on, tags say it: "3.1.3-r2". Default: 1. */
  readonly revision?: number | undefined;
  /** The line of descent as the tag says it, such as "python3.13.5-debian13"; empty for an operating system. */
  readonly descent: string;
  /** What children put into their tags. Default: image, version with revision, and descent; pyenv, a build tool, leaves itself out. */
  readonly lineage?: string;
  /** The build context with its Dockerfile, a folder relative to the project. */
  readonly context: string;
  /** Named contexts, which replace Dockerfile stages of the same names. */
  readonly namedContexts?: Record<string, pulumi.Input<string>>;
  /** Build arguments. They stay readable in the state: no secrets. */
  readonly buildArgs?: Record<string, pulumi.Input<string>>;
  /** The layer that it is built from, or what the outside gives for an operating system. */
  readonly from: ImageLayer | Base;
  /** What its build stages are built from. Default: there are none. */
  readonly builder?: ImageLayer;
  /** Versions of the tools that this layer adds, for the labels; default: the image's own name and version. */
  readonly tools?: Record<string, string>;
}

/** An image or root file system from outside. */
export interface Base {
  readonly name: string;
  readonly digest: pulumi.Input<string>;
}

/** One image of the catalog: built by BuildKit, pushed to the registry, known to others by its digest. */
export abstract class ImageLayer extends pulumi.ComponentResource implements CatalogImage {
  public readonly layerName: string;
  public readonly parent: ImageLayer | undefined;
  public readonly image: string;
  public readonly version: string;
  public readonly tags: readonly string[];
  /** The line of descent as children put it into their tags. */
  public readonly lineage: string;
  public readonly ref: pulumi.Output<string>;
  public readonly digest: pulumi.Output<string>;
  /** What is built, by its platform; undefined stands for the builder's own. */
  private readonly images: ReadonlyMap<string | undefined, build.Image>;

  /**
   * @param kind the last part of the type token `catalog:image:<Kind>`.
   * @param name the layer's name in the stack.
   * @param options `dependsOn` names what the layer is built from: its parents, or the registry.
   * @throws pulumi.RunError if another layer has one of the tags already.
   */
  protected constructor(
    kind: string,
    name: string,
    args: ImageLayerArgs,
    options: pulumi.ComponentResourceOptions,
  ) {
    super(`catalog:image:${kind}`, name, {}, options);
    const { catalog, from } = args;
    this.layerName = name;
    this.parent = from instanceof ImageLayer ? from : undefined;
    const { version, revision = 1, variant } = args;
    const release = revision === 1 ? version : `${version}-r${revision}`;
    const long = hyphenated(release, variant, args.descent);
    this.image = args.image;
    this.version = args.version;
    // Without a descent, the version alone is the first revision's own tag and not a short one that may move.
    this.tags = catalog.isFirst(kind, args) && args.descent ? [long, hyphenated(version, variant)] : [long];
    this.lineage = args.lineage ?? hyphenated(`${args.image}${release}`, variant, args.descent);

    const repository = `${catalog.registry.address}/${catalog.namespace}/${args.image}`;
    const tags = this.tags.map((tag) => catalog.claim(`${repository}:${tag}`, name));
    this.images = new Map(
      catalog.platforms.map((platform) => [
        platform,
        this.build(platform, { ...args, release, tags }, options),
      ]),
    );
    const { ref, digest } = this.images.get(undefined) ?? this.joined(catalog.registry, tags);
    this.ref = ref;
    this.digest = digest;
    this.registerOutputs({ ref: this.ref, digest: this.digest, tags: this.tags, version: this.version });
  }

  /** Builds the image for a platform, on the parent's and builder's for the same: each changes with its own alone. */
  private build(
    platform: string | undefined,
    args: ImageLayerArgs & { readonly release: string; readonly tags: string[] },
    { dependsOn = [] }: pulumi.ComponentResourceOptions,
  ): build.Image {
    const { catalog, from } = args;
    const variant = platform === undefined ? "" : `-${architectureOf(platform)}`;
    const parent = this.parent?.images.get(platform);
    const builder = args.builder?.images.get(platform);
    const base =
      this.parent && parent
        ? { name: `${this.parent.image}:${this.parent.tags[0]}`, digest: parent.digest }
        : (from as Base);
    // Every input is there from the first build on: the provider reports outputs as unknown only when an input
    // changes that was there before, and adding the first one later would make that preview wrong.
    return new build.Image(
      `${this.layerName}-image${variant}`,
      {
        tags:
          platform === undefined ? args.tags : [catalog.claim(`${args.tags[0]}${variant}`, this.layerName)],
        ...(platform === undefined ? {} : { platforms: [platform as build.Platform] }),
        context: {
          location: args.context,
          named: Object.fromEntries(
            Object.entries(args.namedContexts ?? {}).map(([stage, location]) => [stage, { location }]),
          ),
        },
        dockerfile: { location: `${args.context}/Dockerfile` },
        // By digest: a tag may be something else by the time a child is built.
        buildArgs: {
          ...args.buildArgs,
          SOURCE_DATE_EPOCH,
          ...(parent ? { PARENT: parent.ref } : {}),
          ...(builder ? { BUILDER: builder.ref } : {}),
        },
        labels: catalog.labels({ ...args, tag: this.tags[0] as string, base }),
        secrets: { ca: catalog.ca },
        // The certificates differ between machines; the image does not.
        ignoreSecretsInDiffCalculation: ["ca"],
        builder: { name: catalog.builder(platform) },
        registries: pulumi.all(catalog.registry.login ? [catalog.registry.login] : []),
        ...catalog.cache(`${this.layerName}${variant}`),
        exports: [{ raw: EXPORT }],
        push: false,
        buildOnPreview: false,
      },
      {
        parent: this,
        provider: catalog.registry.buildProvider,
        hooks: catalog.registry.imageHooks,
        dependsOn,
        // The provider deletes by digest, and with it the tags of others (pulumi-docker-build#581).
        retainOnDelete: true,
      },
    );
  }

  /** Joins the images of all platforms under the layer's tags. */
  private joined(registry: Registry, tags: readonly string[]) {
    const images = [...this.images.values()];
    const args = { registry, tags, sources: images.map(({ ref }) => ref) };
    const [{ ref }] = taggedIndexes(this.layerName, args, { parent: this, dependsOn: images });
    return { ref, digest: ref.apply((ref) => ref.split("@")[1] as string) };
  }
}

/** The parts of a tag that there are. */
const hyphenated = (...parts: (string | undefined)[]) => parts.filter(Boolean).join("-");
