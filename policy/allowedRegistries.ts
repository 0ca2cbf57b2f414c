import { hostOf, IMAGE, INDEX, pushesOf } from "./images.ts";
import type { Policy } from "./policy.ts";

/** Nothing leaves for a registry that nobody has agreed to. */
export const allowedRegistries: Policy = {
  name: "allowed-registries",
  description: "Images and build caches are pushed to allowed registries only.",
  types: [IMAGE, INDEX],
  allow: {
    description: "Registries, host or host:port. Default: the one that the stack's configuration names.",
    unlessListed: ({ registries }) => registries,
  },
  check: (resource, allowed) =>
    pushesOf(resource)
      .filter((reference) => !allowed.includes(hostOf(reference)))
      .map(
        (reference) =>
          `it is pushed to ${reference}, and allowed is ${allowed.join(", ") || "no registry"}; give it a tag of an ` +
          "allowed registry, or allow this one",
      ),
};
