/** What stands between this machine and a registry. */
import { isIP } from "node:net";
import { connect } from "node:tls";
import type { RegistryError } from "../../components/registryClient.ts";

/** Whether nobody here vouches for a certificate, by the code that OpenSSL gives it. */
export const isUntrusted = (code: string | undefined) =>
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED|INVALID_CA)/.test(code ?? "");

/** Why a registry does not answer, and what to do. */
export function unreached(address: string, { code = "", message }: RegistryError): string {
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(code))
    return `The name of the registry ${address} is not found in the DNS: is registry.address right?`;
  if (code === "ECONNREFUSED")
    return `Nobody listens at the registry's address ${address}: are registry.address and its port right?`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `The registry ${address} shows a certificate of another name: set registry.address to the name that its certificate has.`;
  if (code === "CERT_HAS_EXPIRED")
    return `The certificate of the registry ${address} has expired: its operator has to renew it.`;
  if (code === "CERT_NOT_YET_VALID")
    return `The certificate of the registry ${address} is not valid yet: is the clock of this machine right?`;
  if (/^(EPROTO|ERR_SSL_)/.test(code))
    return `The registry ${address} does not speak TLS, without which no registry but one of this machine's loopback is used.`;
  return `The registry ${message}.`;
}

/**
 * Whether those who trust certain CAs trust that of a registry; so it seems where this cannot be asked, as behind a proxy.
 */
export function isTrustedBy(ca: string[], address: string): Promise<boolean> {
  const { hostname, port } = new URL(`https://${address}`);
  const servername = isIP(hostname) ? {} : { servername: hostname };
  const options = { host: hostname, port: Number(port || 443), ...servername, ca, timeout: 10_000 };
  return new Promise((resolve) => {
    const socket = connect({ ...options, rejectUnauthorized: false }, () => {
      // Typed as an error, it is the code of one.
      resolve(!isUntrusted(`${socket.authorizationError ?? ""}`));
      socket.destroy();
    });
    socket.once("timeout", () => socket.destroy());
    socket.once("error", () => resolve(true));
    socket.once("close", () => resolve(true));
  });
}
