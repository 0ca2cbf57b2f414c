import * as docker from "@pulumi/docker";
import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";

export interface RegistryArgs {
  /** host or host:port, without a scheme. */
  readonly address: string;
  readonly username: string;
  readonly password: pulumi.Output<string>;
}

/**
 * Where images live, in one of two faces, {@link EmbeddedRegistry} and {@link SharedRegistry}; layers never know
 * which. Its credentials are in two explicit providers: given to each image they would stay in its state, and
 * its deletion would use those of the past.
 */
export abstract class Registry extends pulumi.ComponentResource {
  /** host or host:port, without a scheme; known before anything is made. */
  public readonly address: string;
  /** What layers depend on: resolves when the registry answers. */
  public abstract readonly ready: pulumi.Input<pulumi.Resource>;
  /** What is asked before an image is built; nothing in a registry that nobody else uses. */
  public readonly imageHooks: pulumi.ResourceHookBinding = {};
  /** Builds and pushes with the registry's login. */
  public readonly buildProvider: build.Provider;
  /** Pulls with the registry's login. */
  public readonly dockerProvider: docker.Provider;

  protected constructor(
    kind: string,
    name: string,
    args: RegistryArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super(`catalog:service:${kind}`, name, {}, options);
    const { address, username, password } = args;
    this.address = address;
    this.buildProvider = new build.Provider(
      `${name}-build`,
      { registries: [{ address, username, password }] },
      { parent: this },
    );
    this.dockerProvider = new docker.Provider(
      `${name}-docker`,
      { registryAuth: [{ address, username, password }] },
      { parent: this },
    );
  }
}
