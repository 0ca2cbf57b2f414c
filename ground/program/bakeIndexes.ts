import { builderName } from "../../components/builderSettings.ts";
import { parseReference } from "../../components/imageReference.ts";
import { must } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import { digestOf, type Login } from "../tools/registry.ts";
import type { BuildOptions } from "./bakeBuild.ts";
import type { Failure } from "./failures.ts";
import { IMAGE } from "./layers.ts";
import type { Recording, Registration } from "./record.ts";

const INDEX = "docker-build:index:Index";

/** The indexes of a recording: what joins the images of several platforms under a tag. */
export const indexesIn = ({ resources }: Recording): Registration[] =>
  resources.filter(({ type }) => type === INDEX);

/** The version tags that a recording pushes to: the first of each image, and of the indexes of each layer. */
export function versionTagsIn({ resources }: Recording): string[] {
  return resources.flatMap(({ type, name, parent, inputs }) => {
    if (type === IMAGE) return (inputs.tags as string[]).slice(0, 1);
    return type === INDEX && name === `${parent}-index` ? [inputs.tag as string] : [];
  });
}

/**
 * Pushes indexes of images that are built by now; one whose images are not all built is left out.
 * @param inputsOf an index's inputs, with the digests that were built.
 * @returns the digests of those that are pushed, by resource, and what has failed.
 */
export async function pushIndexes(
  indexes: readonly Registration[],
  inputsOf: (index: Registration) => unknown,
  login: Login,
  { buildx, builder, docker: env }: BuildOptions,
): Promise<{ digests: Map<string, string>; failures: Failure[] }> {
  const digests = new Map<string, string>();
  const failures: Failure[] = [];
  const [command = "", ...args] = buildx;
  for (const index of indexes) {
    const { tag, sources } = inputsOf(index) as { tag: string; sources: string[] };
    if (!sources.every((source) => /@sha256:[0-9a-f]{64}$/.test(source))) continue;
    try {
      const create = ["imagetools", "create", `--builder=${builderName(builder)}`, "--tag", tag];
      await must(command, [...args, ...create, ...sources], { env });
      const { repository, tag: name = "" } = parseReference(tag);
      digests.set(index.name, (await digestOf(login, repository, name)) as string);
    } catch (error) {
      if (!(error instanceof GroundError)) throw error;
      failures.push({ name: index.name, log: error.message });
    }
  }
  return { digests, failures };
}
