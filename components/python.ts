import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import type { Pyenv } from "./pyenv.ts";
import type { Config } from "./settings.ts";
import { preparedContext, type Sources } from "./sources.ts";

export interface PythonArgs extends LayerArgs {
  /** What it is built from, and by. */
  readonly parent: Pyenv;
  /** The full version, and the checksum of its source archive. */
  readonly settings: Config["pythons"][number];
  /** `cpython`: where the source archive comes from, unless the settings say it. */
  readonly sources: Pick<Sources, "cpython">;
}

/** As distributions build it: with the shared library that pyenv makes by itself, it took 1.09 times as long as Debian's. */
const OPTIMIZED = "--enable-optimizations --with-lto --disable-shared";

/** One CPython, built from source by pyenv. */
export class Python extends ImageLayer {
  public constructor(name: string, args: PythonArgs, options: pulumi.ComponentResourceOptions) {
    const { catalog, parent } = args;
    const { version, revision, sha256, optimize, source = args.sources.cpython } = args.settings;
    super(
      "Python",
      name,
      {
        catalog,
        from: parent,
        image: "python",
        version,
        revision,
        descent: parent.lineage,
        context: stage("python", ["images/python"]),
        namedContexts: "url" in source ? {} : { "cpython-source": preparedContext(`cpython-${version}`) },
        buildArgs: {
          PYTHON_VERSION: version,
          CPYTHON_URL: "url" in source ? source.url.replaceAll("{version}", version) : "",
          CPYTHON_SHA256: sha256,
          PYTHON_CONFIGURE_OPTS: optimize ? OPTIMIZED : "",
        },
      },
      options,
    );
  }
}
