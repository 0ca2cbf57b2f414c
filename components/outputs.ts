import * as pulumi from "@pulumi/pulumi";
import type { ContainerService } from "./containerService.ts";
import type { ImageLayer } from "./imageLayer.ts";

/** What the output `images` says of one image. */
export interface ImageSummary {
  /** `<registry>/<namespace>/<image>:<tag>@sha256:…`. */
  readonly ref: pulumi.Output<string>;
  /** The digest of its manifest. */
  readonly digest: pulumi.Output<string>;
  readonly tags: readonly string[];
  /** The layer that it is built from; null for an operating system. */
  readonly parent: string | null;
  readonly version: string;
}

/** The output `images`: every layer of the stack by its name. */
export function imagesOf(layers: readonly ImageLayer[]): Record<string, ImageSummary> {
  return Object.fromEntries(
    layers.map(({ layerName, ref, digest, tags, parent, version }) => [
      layerName,
      { ref, digest, tags, parent: parent?.layerName ?? null, version },
    ]),
  );
}

/** The output `readme`, the page that Pulumi shows for the stack, in Markdown. */
export function stackPage(
  layers: readonly ImageLayer[],
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
