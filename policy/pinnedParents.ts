import { readFileSync } from "node:fs";
import { join } from "node:path";
import { IMAGE, INDEX, isPinned } from "./images.ts";
import { isText, itemsOf, membersOf, type Policy, type Resource, UNKNOWN } from "./policy.ts";

const project = join(import.meta.dirname, "..");

/** The build arguments that name what an image, and its build stages, are built from. */
const BASES = ["PARENT", "BUILDER"];

/** What an image is built from has a digest, whichever way it is named. */
export const pinnedParents: Policy = {
  name: "pinned-parents",
  description: "Images are built and promoted from digests, not from tags.",
  types: [IMAGE, INDEX],
  check: (resource) => [
    ...BASES.flatMap((base) =>
      tagsAmong(
        [membersOf(resource.props.buildArgs)[base]],
        `build argument ${base}`,
        "give the layer's `ref`",
      ),
    ),
    ...tagsAmong(contextsOf(resource), "named context", "give the image's digest, <name>:<tag>@sha256:…"),
    ...tagsAmong(itemsOf(resource.props.sources), "source", "give the image's `ref`"),
    ...tagsAmong(
      imagesIn(resource),
      "Dockerfile's",
      "begin with the build argument PARENT or BUILDER, or a named context",
    ),
  ],
};

function tagsAmong(references: readonly unknown[], what: string, mend: string): string[] {
  return references
    .filter(isText)
    .filter((reference) => !isPinned(reference))
    .map((reference) => `its ${what} ${reference} is a tag, which may be another image tomorrow; ${mend}`);
}

/** The images among the named contexts. */
function contextsOf({ props }: Resource): string[] {
  return Object.values(membersOf(membersOf(props.context).named))
    .map((context) => membersOf(context).location)
    .flatMap((location) => /^docker-image:\/\/(.+)/.exec(String(location))?.[1] ?? []);
}

/** The images that a Dockerfile names itself: they are no stages, no named contexts and no build arguments of ours. */
function imagesIn({ props }: Resource): string[] {
  const { named } = membersOf(props.context);
  if (props.context === UNKNOWN || named === UNKNOWN) return [];
  const known = new Set(["scratch", ...Object.keys(membersOf(named))]);
  const images: string[] = [];
  for (const line of dockerfile(props.dockerfile).split("\n")) {
    const [, image, stage] =
      /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line) ??
      /^\s*(?:ADD|COPY)\s.*--from=(\D\S*)/i.exec(line) ??
      [];
    if (image && !known.has(image) && !/^\$\{?(PARENT|BUILDER)\}?$/.test(image)) images.push(image);
    if (stage) known.add(stage);
  }
  return images;
}

/** The text of a Dockerfile; none where it cannot be read, as the provider says better. */
function dockerfile(input: unknown): string {
  const { inline, location } = membersOf(input);
  if (isText(inline)) return inline;
  try {
    return isText(location) ? readFileSync(join(project, location), "utf8") : "";
  } catch {
    return "";
  }
}
