import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { OperatingSystem } from "./operatingSystem.ts";
import { contextOf, type Sources } from "./sources.ts";

export interface PyenvArgs extends LayerArgs {
  /** What it is built from. */
  readonly parent: OperatingSystem;
  /** pyenv's version, such as "2.7.1". */
  readonly version: string;
  /** pyenv-virtualenv's version; it is there only where its source is given. */
  readonly virtualenvVersion: string;
  /** Where the two come from. */
  readonly sources: Pick<Sources, "pyenv" | "pyenvVirtualenv">;
}

/** pyenv, the compilers that CPython needs, and the scripts install-python.sh and install-requirements.sh. */
export class Pyenv extends ImageLayer {
  public constructor(name: string, args: PyenvArgs, options: pulumi.ComponentResourceOptions) {
    const { parent, sources } = args;
    const virtualenv = sources.pyenvVirtualenv;
    super(
      "Pyenv",
      name,
      {
        catalog: args.catalog,
        from: parent,
        image: "pyenv",
        version: args.version,
        descent: parent.lineage,
        lineage: parent.lineage,
        context: stage("pyenv", ["images/pyenv"]),
        namedContexts: {
          "pyenv-source": contextOf("pyenv", sources.pyenv),
          ...(virtualenv ? { "pyenv-virtualenv-source": contextOf("pyenv-virtualenv", virtualenv) } : {}),
        },
        buildArgs: {
          PYENV_VERSION: args.version,
          PYENV_VIRTUALENV_VERSION: virtualenv ? args.virtualenvVersion : "",
        },
        tools: { pyenv: args.version, ...(virtualenv ? { "pyenv-virtualenv": args.virtualenvVersion } : {}) },
      },
      options,
    );
  }
}
