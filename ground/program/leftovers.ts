import { run } from "../tools/exec.ts";
import { BAKE_LABEL, STACK_LABEL } from "./containers.ts";

const removal = {
  container: ["rm", "--force"],
  volume: ["volume", "rm"],
  image: ["image", "rm", "--force"],
};

/**
 * What a stack has on this machine, by whatever way it was made: containers, volumes, and images of its registry.
 * @param images the registry and namespace of its images, such as "localhost:5001/catalog".
 * @returns lines such as `container registry-container-1a2b3c4`.
 */
export async function leftovers(stack: string, images: string): Promise<string[]> {
  const list = async (...args: string[]) => (await run("docker", args)).stdout.split("\n").filter(Boolean);
  const found: string[] = [];
  for (const label of [`${STACK_LABEL}=${stack}`, `${BAKE_LABEL}=${stack}`]) {
    found.push(
      ...(await list("ps", "--all", "--filter", `label=${label}`, "--format", "container {{.Names}}")),
    );
    found.push(...(await list("volume", "ls", "--filter", `label=${label}`, "--format", "volume {{.Name}}")));
  }
  const filter = ["--filter", `reference=${images}/*`];
  const format = "image {{.Repository}}:{{.Tag}}\nimage {{.Repository}}@{{.Digest}}";
  const pulled = await list("image", "ls", "--digests", ...filter, "--format", format);
  found.push(...pulled.filter((name) => !name.endsWith("<none>")));
  return [...new Set(found)];
}

/** Removes all that a stack has on this machine, without its state and whatever state it is in. */
export async function removeLeftovers(stack: string, images: string): Promise<void> {
  for (const kind of ["container", "volume", "image"] as const) {
    for (const leftover of await leftovers(stack, images)) {
      const [of, name = ""] = leftover.split(" ");
      if (of === kind) await run("docker", [...removal[kind], name]);
    }
  }
}
