import * as docker from "@pulumi/docker";
import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import { retryHooks } from "./retryHooks.ts";

export interface RegistryArgs {
  /** host or host:port, without a scheme. */
  readonly address: string;
  readonly username: string;
  /** Without one, the login is in the host's Docker configuration, where the providers find it at each run. */
  readonly password?: pulumi.Output<string> | undefined;
}

/**
 * Where images live, in one of two faces, {@link EmbeddedRegistry} and {@link SharedRegistry}; layers never know
 * which.
 */
export abstract class Registry extends pulumi.ComponentResource {
  /** host or host:port, without a scheme; known before anything is made. */
  public readonly address: string;
  /** What layers depend on: resolves when the registry answers. */
  public abstract readonly ready: pulumi.Input<pulumi.Resource>;
  /** What is done where a registry fails what is pushed to it or pulled from it. */
  public readonly hooks = retryHooks();
  /** The same, and what is asked before an image is built; nothing in a registry that nobody else uses. */
  public readonly imageHooks: pulumi.ResourceHookBinding = this.hooks;
  /** The same before an index is made of images that are there. */
  public readonly indexHooks: pulumi.ResourceHookBinding = this.hooks;
  /**
   * What images are pushed with, where the stack holds it. For the images and not for their provider, which any
   * change of its inputs replaces, and with it every image; an image's new password changes nothing.
   */
  public readonly login: pulumi.Output<build.types.output.Registry> | undefined;
  /** Builds and pushes. */
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
    this.login = password?.apply((password) => ({ address, username, password }));
    this.buildProvider = new build.Provider(`${name}-build`, {}, { parent: this });
    // With its address alone, it is looked up in Docker's configuration.
    this.dockerProvider = new docker.Provider(
      `${name}-docker`,
      { registryAuth: [this.login ?? { address }] },
      { parent: this },
    );
  }
}
