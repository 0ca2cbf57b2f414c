import { parseReference } from "../components/imageReference.ts";
import { IMAGE, tagsOf } from "./images.ts";
import { membersOf, type Policy, type Resource, UNKNOWN } from "./policy.ts";

const OCI = ["title", "version", "source", "vendor", "licenses", "base.name", "base.digest"];

/** Whoever finds an image can say where it comes from and what is in it. */
export const completeLabels: Policy = {
  name: "complete-labels",
  description: "Every image says in its labels what it is, where it comes from and what it stands on.",
  types: [IMAGE],
  check: (resource) => {
    const { labels } = resource.props;
    if (labels === UNKNOWN) return [];
    const there = Object.entries(membersOf(labels)).flatMap(([name, value]) => (value ? name : []));
    const missing = expectedOf(resource).filter((label) => !there.some((name) => fits(name, label)));
    if (missing.length === 0) return [];
    return [`it lacks the labels ${missing.join(", ")}; add them, as \`Catalog.labels\` does`];
  },
};

/** The labels that an image is to have; `*` stands for any name. */
function expectedOf(resource: Resource): string[] {
  // <registry>/<namespace>/<image>:<tag>
  const namespaces = tagsOf(resource).map((tag) => parseReference(tag).repository.replace(/\/[^/]*$/, ""));
  const own = namespaces
    .slice(0, 1)
    .flatMap((name) => [`${name}.repository.url`, `${name}.repository.tag`, `${name}.*.version`]);
  return [...own, ...OCI.map((label) => `org.opencontainers.image.${label}`)];
}

function fits(name: string, label: string): boolean {
  const [start = "", end] = label.split("*");
  return end === undefined ? name === label : name.startsWith(start) && name.endsWith(end);
}
