import { type Recording, type Registration, recordedDigest } from "./record.ts";

export const IMAGE = "docker-build:index:Image";
/** The build arguments that name the images that a layer is built from. */
export const BASES = ["PARENT", "BUILDER"] as const;

/** An image of the program, and its place in the tree. */
export interface Layer {
  /** The layer's name in the stack, and the architecture where it has an image for each platform. */
  readonly name: string;
  /** The name of its image's resource. */
  readonly resource: string;
  /** The names of the layers that it is built from, its own base first; none for an operating system. */
  readonly parents: readonly string[];
}

/** The layers of a recording, in the order of their registration. */
export function layersOf({ resources }: Recording): Layer[] {
  const images = resources.filter(({ type }) => type === IMAGE);
  const names = new Map(images.map((image) => [recordedDigest(image.name), layerName(image)]));
  return images.map((image) => {
    const args = image.inputs.buildArgs as Record<string, string>;
    const parents = BASES.flatMap((base) => names.get(args[base]?.split("@")[1] ?? "") ?? []);
    return { name: layerName(image), resource: image.name, parents: [...new Set(parents)] };
  });
}

/** The name of the layer that an image is of: `flask-3.1`, or `flask-3.1-arm64` for one of several platforms. */
export const layerName = ({ name, parent }: Pick<Registration, "name" | "parent">): string =>
  parent === undefined ? name : `${parent}${name.slice(`${parent}-image`.length)}`;

/** The names of all that a layer is built from. */
export function lineOf(layers: readonly Layer[], { parents }: Layer): string[] {
  return layers
    .filter(({ name }) => parents.includes(name))
    .flatMap((below) => [below.name, ...lineOf(layers, below)]);
}
