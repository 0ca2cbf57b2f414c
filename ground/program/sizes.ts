import { type Blob, bytesOf, type Login, manifestOf } from "../tools/registry.ts";

/** The output `images` of a stack, as `pulumi stack output --json` prints it. */
export type Images = Record<string, { ref: string; digest: string; tags: string[]; parent: string | null }>;

/** What an image is in its registry. */
export interface Size {
  /** The layer's name. */
  readonly name: string;
  readonly repository: string;
  readonly digest: string;
  /** Its version tag. */
  readonly tag: string;
  /** The image itself, or those of all its platforms; none where the registry does not have it. */
  readonly parts: readonly Part[];
}

/** An image for one platform. */
export interface Part {
  readonly digest: string;
  /** In bytes, compressed. */
  readonly whole: number;
  /** What of its layers its parent has not. */
  readonly own: readonly Blob[];
}

/** Asks a registry for the sizes of a stack's images, each after its parent. */
export async function sizesOf(images: Images, login: Login): Promise<Size[]> {
  const asked = inLine(images, null).map(async ([name, image]) => {
    const repository = /^[^/]+\/(.*):[^:]+@/.exec(image.ref)?.[1] ?? "";
    return { name, repository, ...image, platforms: await platformsOf(login, repository, image.digest) };
  });
  const all = await Promise.all(asked);
  return all.map(({ name, repository, digest, tags: [tag = ""], parent, platforms }) => {
    const below = all.find((image) => image.name === parent)?.platforms ?? [];
    const inherited = new Set(below.flatMap(({ layers }) => layers.map(({ digest }) => digest)));
    const parts = platforms.map(({ digest, layers }) => ({
      digest,
      whole: bytesOf(layers),
      own: layers.filter((layer) => !inherited.has(layer.digest)),
    }));
    return { name, repository, digest, tag, parts };
  });
}

/** An image, or those in an index, with their layers. */
async function platformsOf(
  login: Login,
  repository: string,
  digest: string,
): Promise<{ digest: string; layers: readonly Blob[] }[]> {
  const { layers, parts = [] } = (await manifestOf(login, repository, digest)) ?? {};
  if (layers) return [{ digest, layers }];
  return (await Promise.all(parts.map((part) => platformsOf(login, repository, part)))).flat();
}

/** Every image after its parent: Pulumi prints outputs by name. */
function inLine(images: Images, parent: string | null): [string, Images[string]][] {
  return Object.entries(images).flatMap(([name, image]) =>
    image.parent === parent ? [[name, image] as [string, Images[string]], ...inLine(images, name)] : [],
  );
}

/** Bytes as people read them, added up where there are several. */
export const megabytes = (...bytes: number[]): string =>
  bytes.length === 0 ? "?" : `${bytes.map((each) => (each / 1e6).toFixed(1)).join(" + ")} MB`;
