import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import tls from "node:tls";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM file, each by itself; whatever else is in it, such as a key, is left out.
 * @throws Error if it cannot be read, or what is in it is no certificate.
 */
export function certificatesOf(file: string): string[] {
  const certificates = readFileSync(file, "utf8").match(CERTIFICATE) ?? [];
  return certificates.map((pem) => new X509Certificate(pem).toString());
}

/** Whether a file holds certificates in PEM. */
export function isCertificates(file: string): boolean {
  try {
    return certificatesOf(file).length > 0;
  } catch {
    return false;
  }
}

/**
 * What programs in Go trust, Pulumi's providers among them, where SSL_CERT_FILE names a file with it: what the
 * system does, and a registry's own CA.
 */
export function trusted(ca: string | undefined): string[] {
  return [...new Set([...tls.getCACertificates("system"), ...(ca === undefined ? [] : certificatesOf(ca))])];
}

/** Makes this process trust the same, besides what Node does anyway. */
export function trust(ca: string | undefined): void {
  // Older versions have neither; NODE_EXTRA_CA_CERTS is their way.
  if (!("setDefaultCACertificates" in tls)) return;
  tls.setDefaultCACertificates([...new Set([...tls.getCACertificates("default"), ...trusted(ca)])]);
}
