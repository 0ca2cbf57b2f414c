import "./plainStacks.ts";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { buildCache } from "./buildCache.ts";
import { builderName } from "./builderSettings.ts";
import type { Registry } from "./registry.ts";
import type { Config } from "./settings.ts";

/** What all layers share: where they go, who builds them, what they say of their origin. */
export class Catalog {
  /** Where images are pushed. */
  public readonly registry: Registry;
  /** The part between the registry's address and the image's name. */
  public readonly namespace: string;
  /** The platforms that each image is built for; undefined stands for the builder's own. */
  public readonly platforms: readonly (string | undefined)[];
  /** The company's CA certificates in PEM; empty where there are none. */
  public readonly ca: string;
  private readonly builderSetting: Config["builder"];
  private readonly cacheMode: Config["cache"];
  private readonly origin: Config["labels"];
  private readonly claims = new Map<string, string>();
  private readonly firsts = new Set<string>();

  public constructor(config: Config, registry: Registry) {
    this.registry = registry;
    this.namespace = config.namespace;
    this.builderSetting = config.builder;
    this.platforms = config.platforms.length > 0 ? config.platforms : [undefined];
    this.ca = config.sources.ca ? readCertificates(config.sources.ca) : "";
    this.cacheMode = config.cache;
    this.origin = config.labels;
  }

  /**
   * Reserves a tag for a layer.
   * @returns the tag.
   * @throws pulumi.RunError if another layer has it: one of the two images would silently be lost.
   */
  public claim(tag: string, layer: string): string {
    const owner = this.claims.get(tag);
    if (owner !== undefined) {
      throw new pulumi.RunError(
        `The tag ${tag} is claimed by two layers, ${owner} and ${layer}; change one's version.`,
      );
    }
    this.claims.set(tag, layer);
    return tag;
  }

  /** The name of the buildx builder for a platform. */
  public builder(platform: string | undefined): string {
    return builderName(this.builderSetting, platform);
  }

  /**
   * The build cache of an image. By the layer's name and not its tag, so that a new version finds what the steps of
   * the one before have made.
   * @throws pulumi.RunError if an image has that tag.
   */
  public cache(layer: string): ReturnType<typeof buildCache> {
    const reference = `${this.registry.address}/${this.namespace}/cache:${layer}`;
    return buildCache(this.cacheMode, this.claim(reference, layer));
  }

  /** Whether a layer is the first of its kind, image and version: the one to which the short tag points. */
  public isFirst(kind: string, { image, version }: { image: string; version: string }): boolean {
    const name = `${kind} ${image}:${version}`;
    const first = !this.firsts.has(name);
    this.firsts.add(name);
    return first;
  }

  /**
   * The labels of an image, https://specs.opencontainers.org/image-spec/annotations/ and the catalog's own.
   * No clock and no commit is among them: a second `up`, or an unrelated commit, must change nothing.
   */
  public labels(layer: {
    image: string;
    version: string;
    release: string;
    tag: string;
    base: { name: pulumi.Input<string>; digest: pulumi.Input<string> };
    tools?: Record<string, string>;
  }): Record<string, pulumi.Input<string>> {
    const tools = layer.tools ?? { [layer.image]: layer.version };
    return {
      [`${this.namespace}.repository.url`]: this.origin.source,
      [`${this.namespace}.repository.tag`]: layer.tag,
      ...Object.fromEntries(
        Object.entries(tools).map(([tool, version]) => [`${this.namespace}.${tool}.version`, version]),
      ),
      "org.opencontainers.image.title": layer.image,
      "org.opencontainers.image.version": layer.release,
      "org.opencontainers.image.source": this.origin.source,
      "org.opencontainers.image.vendor": this.origin.vendor,
      "org.opencontainers.image.licenses": this.origin.licenses,
      "org.opencontainers.image.base.name": layer.base.name,
      "org.opencontainers.image.base.digest": layer.base.digest,
    };
  }
}

/** A PEM file, or all *.crt files of a folder, as Debian keeps a company's own in /usr/local/share. */
function readCertificates(path: string): string {
  try {
    if (!statSync(path).isDirectory()) return readFileSync(path, "utf8");
    const files = readdirSync(path).filter((file) => file.endsWith(".crt"));
    return files
      .sort()
      .map((file) => readFileSync(join(path, file), "utf8"))
      .join("\n");
  } catch (error) {
    throw new pulumi.RunError(`sources.ca: ${path} cannot be read (${(error as Error).message})`);
  }
}
