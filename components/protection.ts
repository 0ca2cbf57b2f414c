import * as pulumi from "@pulumi/pulumi";

/**
 * Keeps a stack from `pulumi destroy`, where its option `protect` is true. It depends on everything: a destroy deletes it
 * first, even without a preview, and when that is refused nothing is gone yet. Images and containers that are protected
 * themselves could not be dropped or replaced by `up` either.
 */
export class Protection extends pulumi.ComponentResource {
  /** @param options `dependsOn` names all that is to be kept. */
  public constructor(name: string, options: pulumi.ComponentResourceOptions) {
    super("catalog:service:Protection", name, {}, options);
    this.registerOutputs({});
  }
}
