import { z } from "zod";
import { architectureOf, platforms } from "./platforms.ts";
import { text, word } from "./wording.ts";

const name = word("a name", "catalog");
/** buildx takes them in a list with commas. */
const file = (example: string) => text(/^[^",]*[^",\s]$/, "a file", example);

/** Where a BuildKit answers, to those who show a certificate of its CA. */
const node = z.strictObject({
  endpoint: text(
    /^tcp:\/\/([\w.-]+|\[[\da-f:]+\]):\d{1,5}$/i,
    "tcp://host:port",
    "tcp://buildkit.example.com:1234",
  ).describe("Where it answers."),
  ca: file("/etc/buildkit/ca.pem").describe("The certificate of the CA that vouches for it."),
  cert: file("/etc/buildkit/cert.pem").describe("The certificate that it is shown."),
  key: file("/etc/buildkit/key.pem").describe("The private key of that certificate."),
  serverName: word("a host name", "buildkit.example.com")
    .optional()
    .describe("The name in its certificate, where it is not the endpoint's."),
});

const named = name.describe("The name of the buildx builder.");
const remote = z
  .strictObject({ name: named, ...node.shape })
  .describe("A BuildKit that answers elsewhere, over TCP with mutual TLS.");

const farm = z
  .strictObject({
    name: name.describe("What the names of the buildx builders begin with: `farm` of `farm-arm64`."),
    nodes: z
      .array(
        node.extend({
          platforms: platforms.min(1, "at least one platform is needed").describe("What it builds for."),
        }),
        "a list of {endpoint, ca, cert, key, platforms} is needed",
      )
      .min(1, "at least one node is needed")
      .describe("A BuildKit for each platform, or for several."),
  })
  .describe("Several of them, each for its platforms.");

/** Who builds the images. */
export const builderSetting = z
  .union(
    [name.describe("A builder of this machine."), remote, farm],
    "a name, {name, endpoint, ca, cert, key} or {name, nodes} is needed",
  )
  .describe(
    "The buildx builder that builds the images: its name, or a BuildKit elsewhere with its endpoint and certificates, or one for " +
      "each platform. `npm run up` makes it where it is missing.",
  )
  .meta({ example: "catalog" });

export type BuilderSetting = z.output<typeof builderSetting>;

/** A BuildKit elsewhere. */
export interface RemoteBuilder extends z.output<typeof node> {
  /** What buildx calls it. */
  readonly name: string;
  /** What it builds for; undefined for all that there is. */
  readonly platforms?: readonly string[];
  /** The key of the setting that says so. */
  readonly setting: string;
}

/**
 * The builders elsewhere; none where it is one of this machine. Each platform has a builder and not a node of one: the
 * provider takes a builder's first node whose BuildKit says that it has the platform, be it emulated, and not the one that is for it.
 */
export function remoteBuilders(builder: BuilderSetting | undefined): RemoteBuilder[] {
  if (typeof builder !== "object") return [];
  if (!("nodes" in builder)) return [{ ...builder, setting: "builder" }];
  return builder.nodes.map((node, i) => {
    const name = `${builder.name}-${architectureOf(node.platforms[0] as string)}`;
    return { ...node, name, setting: `builder.nodes[${i}]` };
  });
}

/** What buildx calls the builder for a platform; the first where none is named. */
export function builderName(builder: BuilderSetting, platform?: string): string {
  if (typeof builder === "string") return builder;
  const builders = remoteBuilders(builder);
  const own = builders.find(({ platforms }) => platforms?.includes(platform ?? "")) ?? builders[0];
  return (own as RemoteBuilder).name;
}
