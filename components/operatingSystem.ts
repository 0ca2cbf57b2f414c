import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import { contextOf, describeBase, type Sources } from "./sources.ts";

export interface OperatingSystemArgs extends LayerArgs {
  /** The operating system, a folder of images/os. */
  readonly os: string;
  /** Its version, such as "13". */
  readonly version: string;
  /** Tools to install, by the operating system's own names; may be empty. */
  readonly packages: readonly string[];
  /** `base`, the image or root file system below, and `osArchive`, a mirror of the packages. */
  readonly sources: Pick<Sources, "base" | "osArchive">;
}

/** The root of the tree: a base image with a user (uid and gid 1000), tools, and a login shell as entry point. */
export class OperatingSystem extends ImageLayer {
  public constructor(name: string, args: OperatingSystemArgs, options: pulumi.ComponentResourceOptions) {
    super(
      "OperatingSystem",
      name,
      {
        catalog: args.catalog,
        from: describeBase(args.sources.base),
        image: args.os,
        version: args.version,
        descent: "",
        context: stage(args.os, [`images/os/${args.os}`]),
        namedContexts: { base: contextOf("base", args.sources.base) },
        buildArgs: {
          USER_NAME: args.os,
          PACKAGES: args.packages.join(" "),
          OS_ARCHIVE: args.sources.osArchive ?? "",
        },
      },
      options,
    );
  }
}
