import { createHash } from "node:crypto";
import { type Credentials, userLogin } from "./dockerLogin.ts";
import { HUB, isLoopback, parseReference } from "./imageReference.ts";
import { patientFetch } from "./patientFetch.ts";
import { authorize } from "./registryLogin.ts";

/** A registry does not give what it was asked for. The message says which registry, and why. */
export class RegistryError extends Error {
  override name = "RegistryError";
  /** What the registry has answered, if it has: 404 where there is no such image or tag. */
  readonly status: number | undefined;
  /** What Node says of the connection, such as "ENOTFOUND" or "CERT_HAS_EXPIRED". */
  readonly code: string | undefined;

  public constructor(message: string, status?: number, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface AskOptions {
  /** Default: the user's own, as `docker login` keeps it. */
  readonly login?: Credentials;
  /** Milliseconds for all that is asked, logging in too. Default: 5000. */
  readonly timeout?: number;
  /** What is sent. Default: nothing. */
  readonly content?: Content;
}

export interface Content {
  /** Its media type. */
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
type Send = (path: string, method?: Method) => Promise<Response>;

const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * The digest that a tag has now; without tag and digest, that of `latest`.
 * @throws RegistryError if the registry does not answer, or refuses, or has no such tag.
 */
export function digestOf(reference: string, options: AskOptions = {}): Promise<string> {
  const { host, repository, tag, digest } = parseReference(reference);
  const path = `/v2/${repository}/manifests/${tag ?? digest ?? "latest"}`;
  return asking(host, options, async (send) => {
    const head = checked(host, repository, await send(path, "HEAD"));
    const given = head.headers.get("docker-content-digest") ?? "";
    if (/^sha256:[0-9a-f]{64}$/.test(given)) return given;
    // A registry need not say it: it is the checksum of the manifest's bytes.
    return (await read(host, checked(host, repository, await send(path)))).digest;
  });
}

/** What is under a tag. */
export interface Manifest {
  readonly digest: string;
  /** The digests of the images that an index is made of; none of what is an image itself. */
  readonly parts: readonly string[];
}

/**
 * What a tag has now; without tag and digest, `latest`.
 * @throws RegistryError if the registry does not answer, or refuses, or has no such tag.
 */
export function manifestOf(reference: string, options: AskOptions = {}): Promise<Manifest> {
  const { host, repository, tag, digest } = parseReference(reference);
  const path = `/v2/${repository}/manifests/${tag ?? digest ?? "latest"}`;
  return asking(host, options, async (send) => read(host, checked(host, repository, await send(path))));
}

async function read(host: string, answer: Response): Promise<Manifest> {
  if (!MANIFESTS.includes(answer.headers.get("content-type")?.split(";")[0] ?? "")) {
    throw new RegistryError(`${host} answers with something that is no manifest`);
  }
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { manifests = [] } = JSON.parse(bytes.toString()) as { manifests?: { digest: string }[] };
  return {
    digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    parts: manifests.map(({ digest }) => digest),
  };
}

/**
 * All tags of an image's repository, in the registry's order.
 * @throws RegistryError if the registry does not answer, or refuses, or has no such repository.
 */
export function tagsOf(reference: string, options: AskOptions = {}): Promise<string[]> {
  const { host, repository } = parseReference(reference);
  return listed(host, repository, `/v2/${repository}/tags/list`, "tags", options);
}

/**
 * All repositories of a registry, in its order.
 * @throws RegistryError if the registry does not answer, or does not list them: many do so for nobody.
 */
export function repositoriesOf(host: string, options: AskOptions = {}): Promise<string[]> {
  return listed(host, "its catalog", "/v2/_catalog", "repositories", options);
}

/** A list that comes in pages. */
function listed(
  host: string,
  of: string,
  list: string,
  key: "tags" | "repositories",
  options: AskOptions,
): Promise<string[]> {
  return asking(host, options, async (send) => {
    const items: string[] = [];
    for (let path = `${list}?n=1000`; path !== ""; ) {
      const answer = checked(host, of, await send(path));
      items.push(...(((await answer.json()) as Record<string, string[] | null>)[key] ?? []));
      path = nextPage(answer);
    }
    return items;
  });
}

/**
 * A registry's answer, whatever its status: https://distribution.github.io/distribution/spec/api/.
 * @param host host or host:port; plain HTTP on loopback only.
 * @throws RegistryError if the registry does not answer.
 */
export function ask(host: string, path: string, method: Method, options: AskOptions = {}): Promise<Response> {
  return asking(host, options, (send) => send(path, method));
}

/**
 * The end of work, or of its time. What hears the signal may say itself what has not come; a request may have lost
 * sight of it once an answer has begun.
 */
function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => setTimeout(reject, 250, signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

/** Work that asks a registry: logged in where it wants that, patiently, in time, and with one kind of error. */
async function asking<T>(
  host: string,
  { login, timeout = 5000, content }: AskOptions,
  work: (send: Send) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(timeout);
  const headers: Record<string, string> = { accept: MANIFESTS.join(", ") };
  if (content) headers["content-type"] = content.type;
  const body = content && { body: content.bytes };
  const send: Send = async (path, method = "GET") => {
    const request = () =>
      patientFetch(`${isLoopback(host) ? "http" : "https"}://${host}${path}`, {
        method,
        headers,
        signal,
        ...body,
      });
    const answer = await request();
    if (answer.status !== 401) return answer;
    // Docker Hub's login is kept under the address that it had first.
    const known = login ?? (await userLogin(host === HUB ? "https://index.docker.io/v1/" : host, signal));
    const authorization = await authorize(answer.headers.get("www-authenticate") ?? "", known, signal);
    if (authorization === undefined) return answer;
    headers.authorization = authorization;
    await answer.body?.cancel();
    return await request();
  };
  try {
    return await inTime(work(send), signal);
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    if (error === signal.reason)
      throw new RegistryError(`${host} does not answer within ${timeout / 1000} s`);
    const { code } = causeOf(error as Error);
    throw new RegistryError(`${host} does not answer (${reasonOf(error as Error)})`, undefined, code);
  }
}

function checked(host: string, repository: string, answer: Response): Response {
  const { ok, status } = answer;
  if (ok) return answer;
  if (status === 404)
    throw new RegistryError(`${host} has no such image or tag of ${repository} (404)`, status);
  if (status === 401 || status === 403)
    throw new RegistryError(`${host} refuses the login for ${repository} (${status})`, status);
  throw new RegistryError(`${host} answers ${status}`, status);
}

/** The path of the next page; empty after the last. Its host does not count: the login is for the one that was asked. */
function nextPage(answer: Response): string {
  const [, next] = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get("link") ?? "") ?? [];
  if (next === undefined) return "";
  const { pathname, search } = new URL(next, answer.url);
  return `${pathname}${search}`;
}

function reasonOf(error: Error): string {
  // The parser's own message quotes what it has read, which may be a token.
  if (error instanceof SyntaxError) return "not with JSON";
  return causeOf(error).message || error.message;
}

/** What `fetch` says is in its cause; where a name has several addresses, in the errors of that. */
function causeOf(error: Error): NodeJS.ErrnoException {
  const { cause = error } = error as { cause?: NodeJS.ErrnoException & { errors?: Error[] } };
  return cause.message ? cause : ((cause as { errors?: Error[] }).errors?.[0] ?? cause);
}
