import type * as pulumi from "@pulumi/pulumi";
import { stage } from "./buildContext.ts";
import { ImageLayer, type LayerArgs } from "./imageLayer.ts";
import { Java } from "./java.ts";
import type { BuiltApplication } from "./settings.ts";
import { contextOf, type Source, type Sources } from "./sources.ts";

export interface ApplicationArgs extends LayerArgs {
  /** What it is built from: a framework, or a language without one. */
  readonly parent: ImageLayer;
  /** What its build stages are built from: the Python with compilers, or the parent. */
  readonly builder: ImageLayer;
  /** Its name (a folder of images), version, build arguments, ports. */
  readonly settings: BuiltApplication;
  /** Where the application comes from. Default: the folder `app` beside its Dockerfile. */
  readonly source?: Source | undefined;
  /** `maven`: the URL of the repository for what is built on Java. Default: Maven Central. */
  readonly sources: Pick<Sources, "maven">;
}

/** An application on its framework or language. */
export class Application extends ImageLayer {
  public constructor(name: string, args: ApplicationArgs, options: pulumi.ComponentResourceOptions) {
    const { parent, builder, settings, source } = args;
    super(
      "Application",
      name,
      {
        catalog: args.catalog,
        from: parent,
        builder,
        image: settings.name,
        version: settings.version,
        revision: settings.revision,
        descent: parent.lineage,
        context: stage(settings.name, [`images/${settings.name}`]),
        namedContexts: source ? { application: contextOf(`${settings.name}-source`, source) } : {},
        buildArgs: {
          ...(parent instanceof Java ? { MAVEN_MIRROR: args.sources.maven ?? "" } : {}),
          ...settings.args,
          PORT: `${settings.port}`,
        },
      },
      options,
    );
  }
}
