import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { OperatingSystem } from "./operatingSystem.ts";
import type { Python } from "./python.ts";
import type { Config } from "./settings.ts";

export interface SlimPythonArgs extends LayerArgs {
  /** What it is built from. */
  readonly parent: OperatingSystem;
  /** The Python that it is a copy of. */
  readonly builder: Python;
  /** The same settings as that Python's. */
  readonly settings: Config["pythons"][number];
}

/** A Python for running programs: the interpreter and its shared libraries, without what has built it. */
export class SlimPython extends ImageLayer {
  public constructor(name: string, args: SlimPythonArgs, options: pulumi.ComponentResourceOptions) {
    const { catalog, parent, builder } = args;
    const { version, revision } = args.settings;
    super(
      "SlimPython",
      name,
      {
        catalog,
        from: parent,
        builder,
        image: "python",
        version,
        variant: "slim",
        revision,
        descent: parent.lineage,
        context: stage("python-slim", ["images/python-slim"]),
        buildArgs: { PYTHON_VERSION: version },
      },
      options,
    );
  }
}
