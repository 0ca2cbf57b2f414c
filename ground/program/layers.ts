import { type Recording, recordedDigest } from "./record.ts";

export const IMAGE = "docker-build:index:Image";

/** An image of the program, and its place in the tree. */
export interface Layer {
  /** The layer's name in the stack. */
  readonly name: string;
  /** The name of its image's resource. */
  readonly resource: string;
  /** The name of the layer that it is built from; undefined for an operating system. */
  readonly parent: string | undefined;
}

/** The layers of a recording, in the order of their registration. */
export function layersOf({ resources }: Recording): Layer[] {
  const images = resources.filter(({ type }) => type === IMAGE);
  const names = new Map(images.map(({ name, parent }) => [recordedDigest(name), parent ?? name]));
  return images.map(({ name, parent, inputs }) => {
    const { PARENT: ref } = inputs.buildArgs as Record<string, string>;
    return { name: parent ?? name, resource: name, parent: names.get(ref?.split("@")[1] ?? "") };
  });
}

/** The names of all that a layer stands on. */
export function lineOf(layers: readonly Layer[], { parent }: Layer): string[] {
  const below = layers.find(({ name }) => name === parent);
  return below ? [below.name, ...lineOf(layers, below)] : [];
}
