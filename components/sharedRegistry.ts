import * as pulumi from "@pulumi/pulumi";
import { Registry, type RegistryArgs } from "./registry.ts";
import { trust } from "./trust.ts";
import { versionTagGuard } from "./versionTagGuard.ts";
import { type ImageStep, type IndexStep, imageRefusal, indexRefusal } from "./versionTags.ts";

export interface SharedRegistryArgs extends RegistryArgs {
  /** Whether a version tag that is there may get other content. */
  readonly overwrite: boolean;
  /** A PEM file with the CA that vouches for it. */
  readonly ca?: string | undefined;
}

/** A registry that exists: with TLS, a name, a login, and images of others in it. */
export class SharedRegistry extends Registry {
  public readonly ready = this;
  public override readonly imageHooks: pulumi.ResourceHookBinding;
  public override readonly indexHooks: pulumi.ResourceHookBinding;

  public constructor(name: string, args: SharedRegistryArgs, options?: pulumi.ComponentResourceOptions) {
    super("SharedRegistry", name, args, options);
    trust(args.ca);
    const image = versionTagGuard<ImageStep>(args, ({ newInputs }) => newInputs.tags[0], imageRefusal);
    const index = versionTagGuard<IndexStep>(args, ({ newInputs }) => newInputs.tag, indexRefusal);
    this.imageHooks = { ...this.hooks, ...(args.overwrite ? {} : before("version-tags", image)) };
    this.indexHooks = { ...this.hooks, ...(args.overwrite ? {} : before("version-tags-of-indexes", index)) };
    this.registerOutputs({ address: this.address });
  }
}

/** Calls a guard before each resource is created or updated, at preview too. */
function before<Step>(name: string, guard: (step: Step) => Promise<void>): pulumi.ResourceHookBinding {
  const hook = new pulumi.ResourceHook(name, (args) => guard(args as unknown as Step), { onDryRun: true });
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}
