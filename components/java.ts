import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { OperatingSystem } from "./operatingSystem.ts";
import type { Config } from "./settings.ts";

export interface JavaArgs extends LayerArgs {
  /** What it is built from, and where its packages come from. */
  readonly parent: OperatingSystem;
  /** The feature version, such as "21"; the operating system's archive says which there are. */
  readonly settings: Config["javas"][number];
}

/** The operating system's own Java runtime; its applications fetch compiler and Maven for their build stage. */
export class Java extends ImageLayer {
  public constructor(name: string, args: JavaArgs, options: pulumi.ComponentResourceOptions) {
    const { catalog, parent } = args;
    const { version, revision } = args.settings;
    super(
      "Java",
      name,
      {
        catalog,
        from: parent,
        image: "java",
        version,
        revision,
        descent: parent.lineage,
        context: stage("java", ["images/java"]),
        buildArgs: { JAVA_VERSION: version, OS: parent.image },
      },
      options,
    );
  }
}
