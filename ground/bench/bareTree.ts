import { type Recording, recordedDigest } from "../program/record.ts";

type Inputs = Record<string, unknown>;

/** What the bare program makes: the resources of a recorded catalog, without its components. */
export interface BareTree {
  /** The embedded registry: its container and what that stands on. */
  readonly registry: {
    readonly volume: Inputs;
    readonly image: Inputs;
    readonly container: Inputs;
  };
  /** Parents before children. */
  readonly images: readonly BareImage[];
}

export interface BareImage {
  readonly name: string;
  /** The name of the image that it is built from; undefined at the root. */
  readonly parent: string | undefined;
  /** The name of the image that its build stages are built from. */
  readonly builder: string | undefined;
  readonly inputs: {
    readonly buildArgs: Record<string, string>;
    readonly labels: Record<string, string>;
    /** The login to push with, which is a secret. */
    readonly registries: unknown;
    readonly [input: string]: unknown;
  };
}

/** The registry and the images of a recording. Which image is another's parent its build argument tells. */
export function bareTree({ resources }: Recording): BareTree {
  const inputsOf = (name: string) => {
    const found = resources.find((resource) => resource.name === name);
    if (!found) throw new Error(`The recording has no ${name}.`);
    return found.inputs;
  };
  const images = resources.filter(({ type }) => type === "docker-build:index:Image");
  const byDigest = new Map(images.map(({ name }) => [recordedDigest(name), name]));
  return {
    registry: {
      volume: inputsOf("registry-volume"),
      image: inputsOf("registry-image"),
      container: inputsOf("registry-container"),
    },
    images: images.map(({ name, inputs }) => {
      const { PARENT, BUILDER } = inputs.buildArgs as Record<string, string>;
      const [parent, builder] = [PARENT, BUILDER].map((ref) => byDigest.get(ref?.split("@")[1] ?? ""));
      return {
        name,
        parent,
        builder,
        inputs: inputs as BareImage["inputs"],
      };
    }),
  };
}
