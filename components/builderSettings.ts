import { z } from "zod";
import { text, word } from "./wording.ts";

const name = word("a name", "catalog");
/** buildx takes them in a list with commas. */
const file = (example: string) => text(/^[^",]*[^",\s]$/, "a file", example);

/** A BuildKit that answers elsewhere, to those who show a certificate of its CA. */
const remote = z
  .strictObject({
    name: name.describe("The name of the buildx builder."),
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
  })
  .describe("A BuildKit that answers elsewhere, over TCP with mutual TLS.");

/** Who builds the images. */
export const builderSetting = z
  .union(
    [name.describe("A builder of this machine."), remote],
    "a name, or {name, endpoint, ca, cert, key} is needed",
  )
  .describe(
    "The buildx builder that builds the images: its name, or a BuildKit elsewhere with its endpoint and certificates. " +
      "`npm run up` makes it where it is missing.",
  )
  .meta({ example: "catalog" });

export type BuilderSetting = z.output<typeof builderSetting>;
export type RemoteBuilder = z.output<typeof remote>;

/** What buildx calls it. */
export const builderName = (builder: BuilderSetting): string =>
  typeof builder === "string" ? builder : builder.name;
