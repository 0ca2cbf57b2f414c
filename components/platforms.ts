import { z } from "zod";
import { choice } from "./problems.ts";
import { text } from "./wording.ts";

/** What the provider and BuildKit know of Linux. */
const PLATFORMS = ["386", "amd64", "arm", "arm64", "ppc64le", "riscv64", "s390x"].map(
  (architecture) => `linux/${architecture}`,
);

export const platforms = z.array(
  text(/^\S+$/, "a platform of Linux", "linux/arm64").refine((platform) => PLATFORMS.includes(platform), {
    error: ({ input }) => choice(String(input), PLATFORMS),
  }),
  "a list of platforms is needed",
);

/** What images are built for. */
export const platformsSetting = platforms
  .describe(
    "The platforms that every image is built for, an index of all of them under its tags. Without any, each image is for the one " +
      "that the builder has, and no index.",
  )
  .meta({ example: ["linux/amd64", "linux/arm64"] });

/** `arm64` of `linux/arm64`. */
export const architectureOf = (platform: string): string => platform.slice("linux/".length);

const architectures: Record<string, string> = { x64: "amd64", ia32: "386" };

/** This machine's architecture as OCI names it. */
export function machineArchitecture(): string {
  return architectures[process.arch] ?? process.arch;
}
