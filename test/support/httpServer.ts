import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on loopback. */
export interface HttpServer {
  /** localhost and the port. */
  readonly host: string;
  /** Every request so far, such as "HEAD /v2/". */
  readonly requests: readonly string[];
  /** Ends it, and the connections to it. */
  stop(): void;
}

/** Serves on a free port of loopback. */
export async function serveHttp(
  answer: (request: IncomingMessage, response: ServerResponse, url: URL) => unknown,
): Promise<HttpServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response, new URL(request.url ?? "/", `http://${request.headers.host}`));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () => {
      // A connection that is made in this very moment is nobody's, and would keep the process alive.
      server.on("connection", (socket) => socket.destroy());
      server.close();
      server.closeAllConnections();
    },
  };
}
