import { createHash } from "node:crypto";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import bcrypt from "bcryptjs";
import { Registry, type RegistryArgs } from "./registry.ts";

export interface EmbeddedRegistryArgs extends RegistryArgs {
  /** Whoever has it is let in. */
  readonly password: pulumi.Output<string>;
  /** The image that is the registry, such as registry:3@sha256:…. */
  readonly image: string;
}

/**
 * A registry for a laptop: a container with a volume and a login on this machine's loopback, over plain HTTP,
 * which BuildKit and the engine accept for localhost. The provider's own look-ups insist on HTTPS
 * (pulumi-docker-build#324), so `pulumi refresh` verifies nothing here.
 */
export class EmbeddedRegistry extends Registry {
  public readonly ready: pulumi.Output<pulumi.Resource>;

  public constructor(name: string, args: EmbeddedRegistryArgs, options?: pulumi.ComponentResourceOptions) {
    super("EmbeddedRegistry", name, args, options);
    const labels = [{ label: "image-catalog.stack", value: pulumi.getStack() }];
    const volume = new docker.Volume(`${name}-volume`, { labels }, { parent: this });
    const image = new docker.RemoteImage(
      `${name}-image`,
      { name: args.image, keepLocally: true },
      { parent: this },
    );
    const container = new docker.Container(
      `${name}-container`,
      {
        image: image.imageId,
        restart: "unless-stopped",
        ports: [{ internal: 5000, external: Number(args.address.split(":")[1]), ip: "127.0.0.1" }],
        volumes: [{ volumeName: volume.name, containerPath: "/var/lib/registry" }],
        envs: [
          "REGISTRY_AUTH=htpasswd",
          "REGISTRY_AUTH_HTPASSWD_REALM=catalog",
          "REGISTRY_AUTH_HTPASSWD_PATH=/etc/htpasswd",
          "REGISTRY_STORAGE_DELETE_ENABLED=true",
          "OTEL_TRACES_EXPORTER=none",
        ],
        uploads: [{ file: "/etc/htpasswd", content: htpasswd(args) }],
        capabilities: { drops: ["ALL"], adds: [] },
        securityOpts: ["no-new-privileges"],
        labels,
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: [volume, image] },
    );
    // A started container does not listen yet.
    this.ready = container.urn.apply(async () => {
      if (!pulumi.runtime.isDryRun()) await untilAnswers(args.address);
      return container;
    });
    this.registerOutputs({ address: this.address });
  }
}

/**
 * One line of a htpasswd file. The registry hashes at every request of a push, dozens an image, so bcrypt has its
 * least cost: a slow hash protects a password where others read the file, and this one is in a container of the
 * machine's owner. A random salt would replace the registry at every run; one of the stack's own is as good against
 * tables made beforehand.
 */
function htpasswd({ address, username, password }: EmbeddedRegistryArgs): pulumi.Output<string> {
  const seed = createHash("sha256").update(`${pulumi.getProject()}/${pulumi.getStack()}/${address}`).digest();
  const salt = `$2b$04$${bcrypt.encodeBase64(seed.subarray(0, 16), 16)}`;
  return pulumi.secret(password.apply((plain) => `${username}:${bcrypt.hashSync(plain, salt)}\n`));
}

/** Waits for a registry to answer, with or without a login. */
async function untilAnswers(address: string, seconds = 30): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      await fetch(`http://${address}/v2/`, { signal: AbortSignal.timeout(2000) });
      return;
    } catch {
      if (Date.now() > deadline) {
        throw new pulumi.RunError(
          `The embedded registry at ${address} has not answered for ${seconds} seconds.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
