import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach } from "node:test";
import { RegistryError } from "../../components/registryClient.ts";
import { type HttpServer, serveHttp } from "./httpServer.ts";

export type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => unknown;

/** A login, and the header that says it. */
export const login = { username: "robot", password: "hunter2" };
export const basic = `Basic ${Buffer.from("robot:hunter2").toString("base64")}`;
/** What a registry of the tests says of its tags. */
export const digest = `sha256:${"1".repeat(64)}`;

const servers: HttpServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

/** A server until the end of the test. */
export async function serve(answer: Answer): Promise<HttpServer> {
  const server = await serveHttp(answer);
  servers.push(server);
  return server;
}

/** Gives the digest. */
export const open: Answer = (_, response) =>
  response.writeHead(200, { "docker-content-digest": digest }).end();

/** Gives an index of one image. */
export const hasIndex: Answer = (_, response) =>
  response
    .writeHead(200, { "content-type": "application/vnd.oci.image.index.v1+json" })
    .end(JSON.stringify({ manifests: [{ digest }] }));

/** Answers whoever brings this header, and gives the challenge to others. */
export const guarded =
  (authorization: string, challenge: string, answer: Answer = open): Answer =>
  (request, response, url) => {
    if (request.headers.authorization === authorization) return answer(request, response, url);
    return response.writeHead(401, { "www-authenticate": challenge }).end();
  };

/** What is asked ends in a sentence, in which no password is. */
export async function refused(asked: Promise<unknown>, sentence: RegExp): Promise<void> {
  const error = await asked.then(
    () => assert.fail("it was answered"),
    (error: Error) => error,
  );
  assert.ok(error instanceof RegistryError, `${error.stack}`);
  assert.match(error.message, sentence);
  assert.doesNotMatch(error.message, /hunter2|\n/);
}
