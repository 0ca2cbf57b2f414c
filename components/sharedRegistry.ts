import type * as pulumi from "@pulumi/pulumi";
import { Registry, type RegistryArgs } from "./registry.ts";

/** A registry that exists: with TLS, a name, a login, and images of others in it. */
export class SharedRegistry extends Registry {
  public readonly ready = this;

  public constructor(name: string, args: RegistryArgs, options?: pulumi.ComponentResourceOptions) {
    super("SharedRegistry", name, args, options);
    this.registerOutputs({ address: this.address });
  }
}
