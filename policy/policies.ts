import { allowedRegistries } from "./allowedRegistries.ts";
import { completeLabels } from "./completeLabels.ts";
import { hardenedContainers } from "./hardenedContainers.ts";
import { pinnedParents } from "./pinnedParents.ts";
import type { Policy } from "./policy.ts";
import { retainedImages } from "./retainedImages.ts";
import { secretArguments } from "./secretArguments.ts";

/** All policies of the pack. */
export const policies: readonly Policy[] = [
  pinnedParents,
  allowedRegistries,
  completeLabels,
  secretArguments,
  retainedImages,
  ...hardenedContainers,
];
