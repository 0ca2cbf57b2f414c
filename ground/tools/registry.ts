import { createHash } from "node:crypto";
import type { Credentials } from "../../components/dockerLogin.ts";
import * as client from "../../components/registryClient.ts";
import { GroundError } from "./log.ts";

/** A registry and a login to it. */
export interface Login extends Credentials {
  /** host or host:port, without a scheme. */
  readonly address: string;
}

/** A registry's answer, whatever its status. @throws GroundError if it does not answer. */
export async function ask(
  login: Login,
  path: string,
  method: client.Method = "GET",
  options: Omit<client.AskOptions, "login"> = {},
): Promise<Response> {
  try {
    return await client.ask(login.address, path, method, { login, timeout: 15_000, ...options });
  } catch (error) {
    throw new GroundError(`The registry ${(error as Error).message}.`);
  }
}

/** Whether a registry answers, whatever it says. */
export const isReachable = (login: Login): Promise<boolean> =>
  ask(login, "/v2/").then(
    () => true,
    () => false,
  );

/**
 * Starts a push to a repository, and cancels it.
 * @returns the registry's status: 202 if the login may push.
 */
export async function startPush(login: Login, repository: string): Promise<number> {
  const { status, headers, url } = await ask(login, `/v2/${repository}/blobs/uploads/`, "POST");
  const place = headers.get("location");
  if (status === 202 && place !== null) {
    const { pathname, search } = new URL(place, url);
    await ask(login, `${pathname}${search}`, "DELETE");
  }
  return status;
}

/** The digest that the registry itself gives for a tag; undefined where it has none. */
export async function digestOf(login: Login, repository: string, tag: string): Promise<string | undefined> {
  const answer = await ask(login, `/v2/${repository}/manifests/${tag}`, "HEAD");
  return answer.ok ? (answer.headers.get("docker-content-digest") ?? undefined) : undefined;
}

/** All repositories of a registry; undefined where it lists them for nobody. */
export async function repositoriesOf(login: Login): Promise<string[] | undefined> {
  return await listed(client.repositoriesOf(login.address, { login, timeout: 60_000 }));
}

/** All tags of a repository; undefined where there is no such repository. */
export async function tagsOf(login: Login, repository: string): Promise<string[] | undefined> {
  return await listed(client.tagsOf(`${login.address}/${repository}`, { login, timeout: 60_000 }));
}

/** @throws GroundError if the registry does not answer; a refusal is undefined. */
async function listed(asked: Promise<string[]>): Promise<string[] | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof client.RegistryError)) throw error;
    if (error.status === undefined || error.status >= 500)
      throw new GroundError(`The registry ${error.message}.`);
    return undefined;
  }
}

/** What a tag or digest is in a registry. */
export interface Manifest {
  readonly digest: string;
  /** The manifests that an index is made of. */
  readonly parts: readonly string[];
  /** The compressed size of its layers in bytes; undefined for an index. */
  readonly size: number | undefined;
  /** The digest of its configuration; undefined for an index. */
  readonly config: string | undefined;
  /** What its files are in, the lowest first; undefined for an index. */
  readonly layers: readonly Blob[] | undefined;
}

/** Something in a registry, by its digest. */
export interface Blob {
  readonly digest: string;
  /** In bytes, compressed if it is. */
  readonly size: number;
}

/** The sum of sizes. */
export const bytesOf = (blobs: readonly Blob[]): number => blobs.reduce((sum, { size }) => sum + size, 0);

/** @returns undefined where the registry has no such tag or digest. @throws GroundError if it does not answer. */
export async function manifestOf(
  login: Login,
  repository: string,
  name: string,
): Promise<Manifest | undefined> {
  const answer = await ask(login, `/v2/${repository}/manifests/${name}`);
  if (answer.status === 404) return undefined;
  if (!answer.ok)
    throw new GroundError(
      `The registry ${login.address} answers ${answer.status} for ${repository}:${name}.`,
    );
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { manifests, config, layers } = JSON.parse(bytes.toString()) as {
    manifests?: Blob[];
    config?: Blob;
    layers?: Blob[];
  };
  return {
    digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    parts: manifests?.map(({ digest }) => digest) ?? [],
    size: layers && bytesOf(layers),
    config: config?.digest,
    layers,
  };
}

/** The content of a blob, which may take minutes to arrive. @throws GroundError if the registry does not give it. */
export async function blobOf(login: Login, repository: string, digest: string): Promise<Response> {
  const answer = await ask(login, `/v2/${repository}/blobs/${digest}`, "GET", { timeout: 600_000 });
  if (answer.ok) return answer;
  throw new GroundError(
    `The registry ${login.address} answers ${answer.status} for ${repository}@${digest}.`,
  );
}

/** Points a tag at an image of its repository. @throws GroundError if the registry does not take it. */
export async function pointTag(login: Login, repository: string, tag: string, digest: string): Promise<void> {
  const manifest = await ask(login, `/v2/${repository}/manifests/${digest}`);
  const type = manifest.headers.get("content-type") ?? "";
  await putManifest(login, repository, tag, { type, bytes: new Uint8Array(await manifest.arrayBuffer()) });
}

/** Gives a tag to a manifest whose parts the repository has. @throws GroundError if the registry does not take it. */
export async function putManifest(
  login: Login,
  repository: string,
  tag: string,
  manifest: client.Content,
): Promise<void> {
  const { status } = await ask(login, `/v2/${repository}/manifests/${tag}`, "PUT", { content: manifest });
  if (status !== 201)
    throw new GroundError(
      `The registry ${login.address} answers ${status} to pointing ${repository}:${tag} elsewhere.`,
    );
}

/** Deletes an image by its digest, and with it all its tags. @throws GroundError if the registry does not. */
export async function deleteManifest(login: Login, repository: string, digest: string): Promise<void> {
  const { status } = await ask(login, `/v2/${repository}/manifests/${digest}`, "DELETE");
  if (status === 405)
    throw new GroundError(
      `The registry ${login.address} is not set up to delete (405): storage.delete.enabled.`,
    );
  // Another run may have been quicker.
  if (status >= 400 && status !== 404)
    throw new GroundError(
      `The registry ${login.address} answers ${status} to deleting ${repository}@${digest}.`,
    );
}
