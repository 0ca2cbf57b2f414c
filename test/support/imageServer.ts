import { createHash } from "node:crypto";
import { ask, type Login } from "../../ground/tools/registry.ts";
import { serveHttp } from "./httpServer.ts";

/** A registry on loopback with one image under one tag. */
export interface ImageServer {
  /** The tag, and the digest that it has now. */
  reference(): string;
  /** Pushes other content to the tag. */
  move(): void;
  stop(): void;
}

interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly digest: string; readonly size: number };
}

/** Serves an image of another registry, whose layers it passes on; what it pushes differs in the configuration. */
export async function serveImage(login: Login, repository: string, digest: string): Promise<ImageServer> {
  const own = new Map<string, Buffer>();
  const add = (content: object) => {
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    own.set(digest, bytes);
    return { digest, size: bytes.length };
  };
  const get = (path: string) => ask(login, `/v2/${repository}/${path}`);
  const manifest = (await (await get(`manifests/${digest}`)).json()) as Manifest;
  const config = (await (await get(`blobs/${manifest.config.digest}`)).json()) as object;
  let pushes = 0;
  const push = () => {
    pushes += 1;
    const changed = add({ ...config, author: `push ${pushes}` });
    return add({ ...manifest, config: { ...manifest.config, ...changed } }).digest;
  };
  let now = push();

  const server = await serveHttp(async ({ method }, response, { pathname }) => {
    const [, kind, name = ""] = /^\/v2\/base\/(manifests|blobs)\/(.+)$/.exec(pathname) ?? [];
    const digest = kind === "manifests" && name === "1" ? now : name;
    const bytes = own.get(digest) ?? Buffer.from(await (await get(`blobs/${digest}`)).arrayBuffer());
    const type = kind === "manifests" ? manifest.mediaType : "application/octet-stream";
    response.writeHead(kind === undefined ? 404 : 200, {
      "content-type": type,
      "content-length": bytes.length,
      "docker-content-digest": digest,
    });
    response.end(method === "HEAD" ? undefined : bytes);
  });
  return {
    reference: () => `${server.host}/base:1@${now}`,
    move: () => {
      now = push();
    },
    stop: server.stop,
  };
}
