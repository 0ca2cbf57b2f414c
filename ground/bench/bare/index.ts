// The images of tree.json by the providers alone, as somebody writes them who knows the providers well: what a benchmark
// compares the catalog with. Parents come by digest, secrets stay secret, every reference is an output.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import * as docker from "@pulumi/docker";
import * as build from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { BareTree } from "../bareTree.ts";

const tree = JSON.parse(readFileSync("tree.json", "utf8")) as BareTree;
const registry = tree.registry.container as unknown as docker.ContainerArgs & {
  ports: [{ external: number }];
  volumes: [docker.types.input.ContainerVolume];
};

const volume = new docker.Volume("registry-volume", tree.registry.volume);
const image = new docker.RemoteImage(
  "registry-image",
  tree.registry.image as unknown as docker.RemoteImageArgs,
);
const container = new docker.Container("registry-container", {
  ...registry,
  image: image.imageId,
  volumes: [{ ...registry.volumes[0], volumeName: volume.name }],
  uploads: pulumi.secret(registry.uploads),
});
// A started container does not listen yet.
const ready = container.id.apply(async () => {
  const answers = () => fetch(`http://localhost:${registry.ports[0].external}/v2/`).catch(() => undefined);
  while (!pulumi.runtime.isDryRun() && !(await answers())) await sleep(100);
  return container;
});

const built = new Map<string, build.Image>();
for (const { name, parent, builder, inputs } of tree.images) {
  const [from, compilers] = [parent, builder].map((image) => built.get(image ?? ""));
  const ofParent = from && {
    buildArgs: {
      ...inputs.buildArgs,
      PARENT: from.ref,
      ...(compilers ? { BUILDER: compilers.ref } : {}),
    },
    labels: { ...inputs.labels, "org.opencontainers.image.base.digest": from.digest },
  };
  const registries = pulumi.secret(inputs.registries);
  const args = { ...inputs, ...ofParent, registries } as unknown as build.ImageArgs;
  const options = { retainOnDelete: true, ...(from ? {} : { dependsOn: ready }) };
  built.set(name, new build.Image(name, args, options));
}

/** Every image by its name: what it is pulled by. */
export const images = Object.fromEntries([...built].map(([name, { ref }]) => [name, ref]));
