import * as pulumi from "@pulumi/pulumi";
import { Registry, type RegistryArgs } from "./registry.ts";
import { type ImageStep, versionTagGuard } from "./versionTags.ts";

export interface SharedRegistryArgs extends RegistryArgs {
  /** Whether a version tag that is there may get other content. */
  readonly overwrite: boolean;
}

/** A registry that exists: with TLS, a name, a login, and images of others in it. */
export class SharedRegistry extends Registry {
  public readonly ready = this;
  public override readonly imageHooks: pulumi.ResourceHookBinding;

  public constructor(name: string, args: SharedRegistryArgs, options?: pulumi.ComponentResourceOptions) {
    super("SharedRegistry", name, args, options);
    this.imageHooks = args.overwrite ? {} : before(versionTagGuard(args));
    this.registerOutputs({ address: this.address });
  }
}

/** Calls a guard before each image is created or updated, at preview too. */
function before(guard: (step: ImageStep) => Promise<void>): pulumi.ResourceHookBinding {
  const hook = new pulumi.ResourceHook("version-tags", (args) => guard(args as unknown as ImageStep), {
    onDryRun: true,
  });
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}
