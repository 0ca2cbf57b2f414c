import * as pulumi from "@pulumi/pulumi";
import type { CatalogImage } from "./catalogImage.ts";
import type { ContainerService } from "./containerService.ts";

/** What the output `images` says of one image. */
export interface ImageSummary {
  /** `<registry>/<namespace>/<image>:<tag>@sha256:…`. */
  readonly ref: pulumi.Output<string>;
  /** The digest of its manifest. */
  readonly digest: pulumi.Output<string>;
  /** Its name in the registry. */
  readonly image: string;
  readonly tags: readonly string[];
  /** The layer that it is built from; null for an operating system. */
  readonly parent: string | null;
  readonly version: string;
}

/** The output `images`: every layer of the stack by its name. */
export function imagesOf(layers: readonly CatalogImage[]): Record<string, ImageSummary> {
  return Object.fromEntries(
    layers.map(({ layerName, ref, digest, image, tags, parent, version }) => [
      layerName,
      { ref, digest, image, tags, parent: parent?.layerName ?? null, version },
    ]),
  );
}

/** The output `readme`, the page that Pulumi shows for the stack, in Markdown. */
export function stackPage(
  layers: readonly CatalogImage[],
  services: readonly ContainerService[],
): pulumi.Output<string> {
  return pulumi
    .all([pulumi.all(layers.map(({ ref }) => ref)), pulumi.all(services.map(({ url }) => url))])
    .apply(([refs, urls]) =>
      [
        `# Image catalog: ${pulumi.getStack()}`,
        "",
        "| image | version | reference |",
        "| --- | --- | --- |",
        ...layers.map(({ image, version }, i) => `| ${image} | ${version} | \`${refs[i]}\` |`),
        "",
        ...services.map(({ application }, i) => `- ${application.layerName} runs at <${urls[i]}>`),
        "",
      ].join("\n"),
    );
}
