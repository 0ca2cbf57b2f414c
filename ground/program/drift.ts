import { parseReference } from "../../components/imageReference.ts";
import { digestOf, type Login, manifestOf, pointTag } from "../tools/registry.ts";

/** A tag that a stack has pushed, and what it was then. */
interface Pushed {
  /** The resource that pushed it. */
  readonly urn: string;
  /** Such as "registry.example.com/catalog/flask:3.1.3". */
  readonly tag: string;
  readonly digest: string;
}

/** A stack's state as `pulumi stack export` gives it, as far as it is read here. */
export interface Exported {
  readonly deployment?: { readonly resources?: readonly Resource[] };
}

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly outputs?: {
    readonly tags?: readonly string[];
    readonly tag?: string;
    readonly ref?: string;
  };
}

/** Every tag that a state says was pushed, by an image or an index. */
export function pushedTags({ deployment }: Exported): Pushed[] {
  const pushed = (deployment?.resources ?? []).filter(({ type }) => type.startsWith("docker-build:index:"));
  return pushed.flatMap(({ urn, outputs: { tags, tag = "", ref = "" } = {} }) =>
    (tags ?? [tag]).map((tag) => ({ urn, tag, digest: ref.split("@")[1] ?? "" })),
  );
}

/** What was found to be otherwise than the state says. */
export interface Drift {
  /** In words, each. */
  readonly found: readonly string[];
  /** The URNs of what is no longer in the registry, to be made again. */
  readonly gone: readonly string[];
}

/**
 * Compares the registry with what the state says of it. A tag that somebody has pointed elsewhere, or removed, is pointed
 * at the stack's own image again.
 * @throws GroundError if the registry does not answer, or does not take a tag.
 */
export async function restoreTags(login: Login, pushed: readonly Pushed[]): Promise<Drift> {
  const found: string[] = [];
  const gone = new Set<string>();
  await Promise.all(
    pushed.map(async ({ urn, tag: reference, digest }) => {
      const { repository, tag = "" } = parseReference(reference);
      const now = await digestOf(login, repository, tag);
      if (now === digest) return;
      const was = `${reference} ${now ? `pointed at ${short(now)}` : "was gone"}`;
      if (await manifestOf(login, repository, digest)) {
        await pointTag(login, repository, tag, digest);
        found.push(`${was}: it points at ${short(digest)} again`);
      } else {
        gone.add(urn);
        found.push(`${was}, and ${short(digest)} is not in the registry: it is made again`);
      }
    }),
  );
  return { found: found.sort(), gone: [...gone] };
}

const short = (digest: string) => digest.slice("sha256:".length, "sha256:".length + 12);
