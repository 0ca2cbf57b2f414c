import { type Cache, cacheReference } from "../../components/buildCache.ts";
import type { Found } from "../machine/pulumi.ts";
import { lastLine, must, run } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import type { State } from "./state.ts";

/** What stacks refer to, by digest or by tag. */
export interface References {
  /** Digests, whatever of. */
  readonly digests: ReadonlySet<string>;
  /** Tags that images and build caches of a stack have been pushed to, such as "registry.example.com/catalog/flask:3.1.3". */
  readonly tags: ReadonlySet<string>;
}

/** A stack's state as `pulumi stack export` gives it, as far as it is read here. */
export interface Snapshot {
  readonly deployment?: {
    readonly resources?: readonly StateResource[];
    readonly pending_operations?: readonly { readonly resource: StateResource }[];
  };
}

interface StateResource {
  readonly type: string;
  readonly inputs?: {
    readonly tags?: readonly string[];
    readonly tag?: string;
    readonly cacheTo?: readonly Cache[];
  };
  readonly outputs?: object;
}

/**
 * What a state refers to: every digest in it, of images, parents, containers and outputs, and the tags of its images and
 * their build caches. Not the ids: an image's is its first digest for ever.
 */
export function referencesIn({ deployment }: Snapshot): References {
  const { resources = [], pending_operations: pending = [] } = deployment ?? {};
  const all = [...resources, ...pending.map(({ resource }) => resource)];
  const text = JSON.stringify(all.map(({ inputs, outputs }) => [inputs, outputs]));
  const built = all.filter(({ type }) => type.startsWith("docker-build:index:"));
  return {
    digests: new Set(text.match(/sha256:[0-9a-f]{64}/g)),
    tags: new Set(
      built.flatMap(({ inputs: { tags = [], tag = [], cacheTo = [] } = {} }) =>
        [tags, tag, cacheTo.flatMap(cacheReference)].flat(),
      ),
    ),
  };
}

/**
 * What the stacks of the project refer to, all those of the backend; other backends' cannot be seen.
 * @throws GroundError if one of them cannot be read: what it refers to would look like nobody's.
 */
export async function referencesOfStacks(
  { command }: Found,
  { env }: State,
): Promise<References & { readonly stacks: readonly string[] }> {
  const { stdout } = await must(command, ["stack", "ls", "--json"], { env });
  const stacks = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name).sort();
  const digests = new Set<string>();
  const tags = new Set<string>();
  for (const stack of stacks) {
    const exported = await run(command, ["stack", "export", "--stack", stack], { env });
    if (exported.code !== 0) {
      const reason = lastLine(exported.stderr).replace(/^error: /, "");
      throw new GroundError(
        `What stack ${stack} refers to cannot be read (${reason}), so nothing is known to be left over.`,
      );
    }
    const own = referencesIn(JSON.parse(exported.stdout) as Snapshot);
    for (const digest of own.digests) digests.add(digest);
    for (const tag of own.tags) tags.add(tag);
  }
  return { stacks, digests, tags };
}
