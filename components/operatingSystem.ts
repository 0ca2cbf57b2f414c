import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { Config } from "./settings.ts";
import { contextOf, describeBase } from "./sources.ts";

export interface OperatingSystemArgs extends LayerArgs {
  /** Which operating system, with which tools, on what. */
  readonly settings: Config["systems"][number];
}

/** The root of the tree: a base image with a user (uid and gid 1000), tools, and a login shell as entry point. */
export class OperatingSystem extends ImageLayer {
  public constructor(name: string, args: OperatingSystemArgs, options: pulumi.ComponentResourceOptions) {
    const { name: os, version, packages, base, archive } = args.settings;
    super(
      "OperatingSystem",
      name,
      {
        catalog: args.catalog,
        from: describeBase(base),
        image: os,
        version,
        descent: "",
        context: stage(os, [`images/os/${os}`]),
        namedContexts: { base: contextOf("base", base) },
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
