import { isLoopback } from "../components/imageReference.ts";
import { hostOf, IMAGE, INDEX, tagsOf } from "./images.ts";
import type { Policy } from "./policy.ts";

/** The provider deletes by digest, and with it the tags of others (pulumi-docker-build#581). */
export const retainedImages: Policy = {
  name: "retained-images",
  description: "What is in a shared registry stays there when a stack drops it.",
  types: [IMAGE, INDEX],
  check: (resource) => {
    const shared = tagsOf(resource).filter((tag) => !isLoopback(hostOf(tag)));
    if (resource.retained !== false || shared.length === 0) return [];
    return [
      `${shared[0]} would be deleted for everybody when this stack drops it; give the resource \`retainOnDelete: true\``,
    ];
  },
};
