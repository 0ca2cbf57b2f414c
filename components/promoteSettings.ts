import { z } from "zod";
import { text } from "./wording.ts";

/** Where a stack that builds nothing takes its images from. */
export const promoteSchema = z.strictObject({
  from: text(
    /^[\w.-]+(\/[\w.-]+\/[\w.-]+)?$/,
    "a stack of this project, or organization/project/stack,",
    "dev",
  )
    .optional()
    .describe("The stack whose images are taken. Without it, this stack builds its own."),
  only: z
    .array(
      text(/^[a-z0-9]+([._-]+[a-z0-9]+)*$/, "an image's name as in the output `images`", "flask-helloworld"),
      "a list of images is needed",
    )
    .min(1, "at least one image is needed")
    .optional()
    .describe("The images that are taken, with all that they stand on. Default: all.")
    .meta({ example: ["flask-helloworld"] }),
});

/** Where images are taken from, and which. */
export type PromoteSettings = z.output<typeof promoteSchema>;
