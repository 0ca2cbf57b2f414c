import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

const image = z.object({
  ref: z.string(),
  digest: z.string(),
  image: z.string(),
  tags: z.array(z.string()).min(1),
  parent: z.string().nullable(),
  version: z.string(),
});

/** An image as the output `images` of its stack has it. */
export type SourceImage = Readonly<z.output<typeof image>>;
/** The output `images` of a stack. */
export type SourceImages = Readonly<Record<string, SourceImage>>;

/**
 * Asks another stack for its images.
 * @param from a stack of this project, or organization/project/stack.
 * @throws pulumi.RunError if it has none.
 */
export async function imagesOfStack(from: string): Promise<SourceImages> {
  const here = `${pulumi.getOrganization()}/${pulumi.getProject()}`;
  const name = from.includes("/") ? from : `${here}/${from}`;
  if (name === `${here}/${pulumi.getStack()}`) {
    throw new pulumi.RunError(`promote.from: found "${from}"; another stack than this one is needed.`);
  }
  const { value } = await new pulumi.StackReference(from, { name }).getOutputDetails("images");
  const images = z.record(z.string(), image).safeParse(value);
  if (images.success && Object.keys(images.data).length > 0) return images.data;
  throw new pulumi.RunError(
    `promote.from: the stack ${from} has no images that could be promoted; \`npm run up -- --stack ${from}\` makes them.`,
  );
}
