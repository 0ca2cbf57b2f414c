import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { CatalogImage } from "./catalogImage.ts";
import type { Registry } from "./registry.ts";
import type { ApplicationSettings } from "./settings.ts";

export interface ContainerServiceArgs {
  /** What runs. */
  readonly application: CatalogImage & pulumi.Resource;
  /** Its ports, processes and memory. */
  readonly settings: Pick<ApplicationSettings, "port" | "publish" | "address" | "workers" | "memory">;
  /** Where its image is pulled from, and with which login. */
  readonly registry: Registry;
}

/** What says that an application answers: whether it does, every other second, for half a minute before it is given up. */
export const healthcheck = (port: number) => ({
  tests: ["CMD", "curl", "-fsS", "-o", "/dev/null", `http://127.0.0.1:${port}/`],
  interval: "2s",
  timeout: "3s",
  startPeriod: "2s",
  retries: 15,
});

/** A container that runs an application's image by digest, with no right that it does not need. */
export class ContainerService extends pulumi.ComponentResource {
  /** Where it answers. */
  public readonly url: pulumi.Output<string>;
  /** What runs. */
  public readonly application: CatalogImage;

  public constructor(name: string, args: ContainerServiceArgs, options: pulumi.ComponentResourceOptions) {
    super("catalog:service:Container", name, {}, options);
    const { application, registry } = args;
    const { port, publish, address, workers, memory } = args.settings;
    const image = new docker.RemoteImage(
      `${name}-image`,
      // Kept: another container, or the stack beside this one, may run it.
      { name: application.ref, keepLocally: true },
      { parent: this, provider: registry.dockerProvider, hooks: registry.hooks, dependsOn: application },
    );
    const container = new docker.Container(
      `${name}-container`,
      {
        // Not the pulled image's repoDigest, which is cut at the colon of a port.
        image: application.ref,
        ports: [{ internal: port, external: publish as number, ip: address }],
        // What gunicorn reads; an application with another server may leave it.
        envs: [`WEB_CONCURRENCY=${workers}`],
        restart: "unless-stopped",
        // The user of every image here. Said as well, so that none of an image's own can be root.
        user: "1000:1000",
        readOnly: true,
        tmpfs: { "/tmp": "rw,noexec,nosuid,size=16m" },
        capabilities: { drops: ["ALL"], adds: [] },
        securityOpts: ["no-new-privileges"],
        memory,
        // The provider changes memory in place only together with this; equal values mean no swap.
        memorySwap: memory,
        healthcheck: healthcheck(port),
        wait: true,
        waitTimeout: 60,
        labels: [{ label: "image-catalog.stack", value: pulumi.getStack() }],
      },
      {
        parent: this,
        provider: registry.dockerProvider,
        dependsOn: [application, image],
        deleteBeforeReplace: true,
        // The provider reports changes of these as made and makes none.
        replaceOnChanges: ["tmpfs", "healthcheck"],
      },
    );
    this.application = application;
    this.url = container.id.apply(() => `http://${address}:${publish}/`);
    this.registerOutputs({ url: this.url });
  }
}
