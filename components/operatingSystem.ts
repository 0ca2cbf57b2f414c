import type * as pulumi from "@pulumi/pulumi";
import { baseOf } from "./baseImage.ts";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { Config } from "./settings.ts";

export interface OperatingSystemArgs extends LayerArgs {
  /** Which operating system, with which tools, on what. */
  readonly settings: Config["systems"][number];
}

/** The root of the tree: a base image with a user (uid and gid 1000), tools, and a login shell as entry point. */
export class OperatingSystem extends ImageLayer {
  public constructor(name: string, args: OperatingSystemArgs, options: pulumi.ComponentResourceOptions) {
    const { name: os, version, revision, packages, archive } = args.settings;
    const base = baseOf(args.settings.base);
    super(
      "OperatingSystem",
      name,
      {
        catalog: args.catalog,
        from: base,
        image: os,
        version,
        revision,
        descent: "",
        context: stage(os, [`images/os/${os}`]),
        namedContexts: { base: base.location },
        buildArgs: {
          USER_NAME: os,
          PACKAGES: packages.join(" "),
          OS_ARCHIVE: archive ?? "",
        },
      },
      options,
    );
  }
}
