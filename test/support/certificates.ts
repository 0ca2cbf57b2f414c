import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../ground/tools/exec.ts";

/** A CA and what it has signed, as files in PEM. */
export interface Certificates {
  readonly ca: string;
  /** A server's on loopback, by address and by the name `buildkit.test`. */
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
  remove(): void;
}

/** Makes a CA that nobody trusts yet. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-certificates-"));
  const path = (name: string) => join(folder, name);
  const make = async (name: string, ...options: string[]) => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`];
    const request = ["req", "-x509", ...key, "-out", `${name}.pem`, "-days", "1", "-subj", `/CN=${name}`];
    await must("openssl", [...request, ...options], { cwd: folder });
    return { cert: path(`${name}.pem`), key: path(`${name}.key`) };
  };
  const extension = (text: string) => ["-addext", text];
  const { cert: ca } = await make("ca", ...extension("keyUsage=critical,keyCertSign,cRLSign"));
  const leaf = (name: string, ...texts: string[]) =>
    make(
      name,
      ...["basicConstraints=critical,CA:FALSE", ...texts].flatMap(extension),
      ...["-CA", "ca.pem", "-CAkey", "ca.key"],
    );
  return {
    ca,
    server: await leaf("server", "subjectAltName=DNS:buildkit.test,IP:127.0.0.1"),
    client: await leaf("client", "extendedKeyUsage=clientAuth"),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
