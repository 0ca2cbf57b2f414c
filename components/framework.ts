import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { Python } from "./python.ts";
import type { Config } from "./settings.ts";
import type { SlimPython } from "./slimPython.ts";
import type { Sources } from "./sources.ts";

export interface FrameworkArgs extends LayerArgs {
  /** What it is built from. */
  readonly parent: Python | SlimPython;
  /** The same Python with compilers, for its build stage. */
  readonly builder: Python;
  /** The framework, a folder of images, and its version, a folder in it with a requirements.txt that is locked with hashes. */
  readonly settings: Config["frameworks"][number];
  /** `pypi`: the URL of the package index. Default: pip's own. */
  readonly sources: Pick<Sources, "pypi">;
}

/** A Python framework: one requirements.txt, installed with hashes required. */
export class Framework extends ImageLayer {
  public constructor(name: string, args: FrameworkArgs, options: pulumi.ComponentResourceOptions) {
    const { catalog, parent, builder } = args;
    const { name: framework, version, revision } = args.settings;
    super(
      "Framework",
      name,
      {
        catalog,
        from: parent,
        builder,
        image: framework,
        version,
        revision,
        descent: parent.lineage,
        context: stage(framework, ["images/framework", `images/${framework}/${version}`]),
        buildArgs: { PIP_INDEX_URL: args.sources.pypi ?? "" },
      },
      options,
    );
  }
}
