/** A BuildKit that answers elsewhere, over TCP with mutual TLS. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import type { RemoteBuilder } from "../../components/builderSettings.ts";
import { GroundError } from "../tools/log.ts";
import type { Builder } from "./builder.ts";
import { inspect, mustCall } from "./buildx.ts";

/** The options of buildx's remote driver. */
function driverOptions({ ca, cert, key, serverName }: RemoteBuilder): string[] {
  const files = [`cacert=${resolve(ca)}`, `cert=${resolve(cert)}`, `key=${resolve(key)}`];
  return serverName === undefined ? files : [...files, `servername=${serverName}`];
}

/**
 * Tells buildx of builders elsewhere, unless it knows them. They themselves are asked first: buildx would say little of
 * what is wrong, and late.
 * @returns the first, and of each where it is.
 * @throws GroundError as {@link checkRemote}, or if a name stands for another builder.
 */
export async function ensureRemotes(
  buildx: readonly string[],
  remotes: readonly RemoteBuilder[],
): Promise<Builder> {
  for (const remote of remotes) await checkRemote(remote);
  const builders: Builder[] = [];
  for (const remote of remotes) builders.push(await makeKnown(buildx, remote));
  const [first, ...more] = builders as [Builder, ...Builder[]];
  return { ...first, why: [first.why, ...more.map(({ name, why }) => `${name}, ${why}`)].join("; ") };
}

/** @throws GroundError if the name stands for another builder. */
async function makeKnown(buildx: readonly string[], remote: RemoteBuilder): Promise<Builder> {
  const { name, endpoint } = remote;
  const options = driverOptions(remote);
  const there = await inspect(buildx, name);
  if (there && (there.driver !== "remote" || there.endpoint !== endpoint)) {
    throw new GroundError(
      `There is a builder ${name} already (driver ${there.driver}, ${there.endpoint}), which is not ${endpoint}: remove it with \`docker buildx rm ${name}\`, or configure another name.`,
    );
  }
  const same = there?.options === options.toSorted().join();
  // Such an entry is but an address: nothing else is lost with it.
  if (there && !same) await mustCall(buildx, ["rm", name]);
  if (!same) {
    const given = options.flatMap((option) => ["--driver-opt", option]);
    await mustCall(buildx, ["create", "--name", name, "--driver", "remote", ...given, endpoint]);
  }
  const seen = await inspect(buildx, name);
  if (!seen?.running)
    throw new GroundError(`The builder ${name} at ${endpoint} does not work: ${seen?.problem}.`);
  const why = there ? (same ? "running" : "with other certificates than before") : "made known to buildx";
  return { name, driver: "remote", buildx, why: `${endpoint}, ${why}` };
}

/**
 * Shakes hands with a builder, before anything is built and in words that buildx has not.
 * @throws GroundError if it does not answer, is another than its CA vouches for, or refuses the client certificate.
 */
export async function checkRemote(builder: RemoteBuilder): Promise<void> {
  const tls = { ca: read(builder, "ca"), cert: read(builder, "cert"), key: read(builder, "key") };
  const { hostname, port } = new URL(builder.endpoint.replace("tcp:", "https:"));
  const host = hostname.replace(/^\[|\]$/g, "");
  const servername = builder.serverName ?? (isIP(host) ? undefined : host);
  try {
    await greet({ host, port: Number(port), ...tls, ...(servername ? { servername } : {}) });
  } catch (error) {
    throw new GroundError(`${sentence(builder, error as NodeJS.ErrnoException)}.`);
  }
}

/** How a client of HTTP/2, which gRPC is, begins: the preface and empty settings. */
const HELLO = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** In TLS 1.3 a client learns that it is refused only after its handshake: the server's first bytes are waited for. */
function greet(options: ConnectionOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...options, ALPNProtocols: ["h2"], timeout: 10_000 }, () => socket.write(HELLO));
    socket.once("data", () => resolve());
    socket.once("timeout", () => reject(new Error("no answer in 10 s")));
    socket.once("close", () => reject(new Error("it hung up")));
    // After the first error there may be others.
    socket.on("error", reject);
    for (const event of ["data", "timeout", "error"]) socket.once(event, () => socket.destroy());
  });
}

function sentence(builder: RemoteBuilder, { code = "", message }: NodeJS.ErrnoException): string {
  const at = `The builder ${builder.name} at ${builder.endpoint}`;
  const { ca, cert, key, setting } = builder;
  if (code.includes("ALERT"))
    return `${at} refuses the client certificate ${cert} (${reason(message)}): set ${setting}.cert and ${setting}.key to ones of the CA that it trusts`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `${at} shows a certificate of another name (${message}): set ${setting}.serverName`;
  if (/CERT|VERIFY|SELF_SIGNED/.test(code))
    return `${at} shows a certificate that ${setting}.ca, ${ca}, does not vouch for (${message.split(";")[0]})`;
  if (code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH")
    return `The private key ${key} (${setting}.key) is not the one of the certificate ${cert} (${setting}.cert)`;
  if (code.startsWith("ERR_OSSL"))
    return `One of ${ca}, ${cert} and ${key} (${setting}.ca, cert, key) is not in PEM format (${reason(message)})`;
  if (code.startsWith("ERR_SSL")) return `${at} does not speak TLS (${reason(message)})`;
  return `${at} does not answer (${message})`;
}

/** Of `80DB…:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:../deps/…:SSL alert number 48`, what is said. */
const reason = (message: string) => /^[^:]*:?error:[^:]*:[^:]*:[^:]*:([^:]+)/.exec(message)?.[1] ?? message;

function read(builder: RemoteBuilder, file: "ca" | "cert" | "key"): Buffer {
  try {
    return readFileSync(builder[file]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new GroundError(`The file ${builder[file]} (${builder.setting}.${file}) cannot be read: ${code}.`);
  }
}
