import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as ask, createServer } from "node:https";
import { pipeline } from "node:stream/promises";
import type { TlsRegistry } from "./tlsRegistry.ts";
import { freePort } from "./workspace.ts";

/** What a client gets instead of the registry's answer. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | "reset";

/** Another address of a registry, at which requests fail when a test wants it. */
export interface FaultyRegistry {
  /** host and port. */
  readonly address: string;
  /** Decides what becomes of each request; without an answer it is passed on. */
  fault: (request: IncomingMessage) => Fault | undefined;
  stop(): void;
}

/** Stands before a registry, with its certificate. */
export async function serveFaulty({
  address,
  caFile,
  certificate,
}: Pick<TlsRegistry, "address" | "caFile" | "certificate">): Promise<FaultyRegistry> {
  const [hostname, port] = address.split(":") as [string, string];
  const own = await freePort();
  const faulty: FaultyRegistry = {
    address: `${hostname}:${own}`,
    fault: () => undefined,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  const tls = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
  const ca = readFileSync(caFile);
  const server = createServer(tls, async (request, response) => {
    const fault = faulty.fault(request);
    if (fault === "reset") return request.socket.destroy();
    if (fault) return response.writeHead(fault.status, fault.headers).end(fault.body);
    const { method, url: path, headers } = request;
    const passed = ask({ hostname, port, ca, method, path, headers });
    try {
      const [[answer]] = await Promise.all([once(passed, "response"), pipeline(request, passed)]);
      response.writeHead(answer.statusCode, answer.headers);
      await pipeline(answer, response);
    } catch {
      request.socket.destroy();
    }
  });
  await new Promise<void>((done) => server.listen(own, hostname, done));
  return faulty;
}
