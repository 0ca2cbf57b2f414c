/** Where Docker Hub's API is. */
export const HUB = "registry-1.docker.io";

/** An image reference in its parts. */
export interface Reference {
  /** host or host:port of the registry's API. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/**
 * Takes an image reference apart as Docker does: what names no registry is Docker Hub's, and there what names no owner
 * is the library's.
 * @example parseReference("debian:13-slim") // host registry-1.docker.io, repository library/debian, tag 13-slim
 */
export function parseReference(text: string): Reference {
  const [name = "", digest] = text.split("@");
  const parts = /^(?:(localhost|[^/]*[.:][^/]*)\/)?(.*?)(?::([\w.-]+))?$/.exec(name);
  const [, host = "docker.io", path = "", tag] = parts ?? [];
  if (!["docker.io", "index.docker.io"].includes(host)) return { host, repository: path, tag, digest };
  return { host: HUB, repository: path.includes("/") ? path : `library/${path}`, tag, digest };
}

/** Whether a host, with or without port, is this machine's loopback, the only one that is asked over plain HTTP. */
export const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host);
