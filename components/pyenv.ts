import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { OperatingSystem } from "./operatingSystem.ts";
import type { Config } from "./settings.ts";
import { contextOf } from "./sources.ts";

export interface PyenvArgs extends LayerArgs {
  /** What it is built from. */
  readonly parent: OperatingSystem;
  /** Which pyenv, and which pyenv-virtualenv if any. */
  readonly settings: Config["pyenvs"][number];
}

/** pyenv, the compilers that CPython needs, and the scripts install-python.sh and install-requirements.sh. */
export class Pyenv extends ImageLayer {
  public constructor(name: string, args: PyenvArgs, options: pulumi.ComponentResourceOptions) {
    const { catalog, parent } = args;
    const { version, revision, source, virtualenv } = args.settings;
    super(
      "Pyenv",
      name,
      {
        catalog,
        from: parent,
        image: "pyenv",
        version,
        revision,
        descent: parent.lineage,
        lineage: parent.lineage,
        context: stage("pyenv", ["images/pyenv"]),
        namedContexts: {
          "pyenv-source": contextOf("pyenv", source),
          ...(virtualenv
            ? { "pyenv-virtualenv-source": contextOf("pyenv-virtualenv", virtualenv.source) }
            : {}),
        },
        buildArgs: {
          PYENV_VERSION: version,
          PYENV_VIRTUALENV_VERSION: virtualenv?.version ?? "",
        },
        tools: { pyenv: version, ...(virtualenv ? { "pyenv-virtualenv": virtualenv.version } : {}) },
      },
      options,
    );
  }
}
