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
export async function ask(login: Login, path: string, method: client.Method = "GET"): Promise<Response> {
  try {
    return await client.ask(login.address, path, method, { login, timeout: 15_000 });
  } catch (error) {
    throw new GroundError(`The registry ${(error as Error).message}.`);
  }
}

/** @throws GroundError if the registry does not answer, or refuses the login. */
export async function checkLogin(registry: Omit<Login, "password">, password: string): Promise<void> {
  const { status } = await ask({ ...registry, password }, "/v2/");
  if (status === 401 || status === 403) {
    throw new GroundError(
      `The registry ${registry.address} refuses the password of ${registry.username}: ` +
        "set the right one with `pulumi config set --secret registryPassword`, or CATALOG_REGISTRY_PASSWORD.",
    );
  }
  if (status !== 200)
    throw new GroundError(`The registry ${registry.address} answers ${status}, not 200, to a login.`);
}

/** The digest that the registry itself gives for a tag; undefined where it has none. */
export async function digestOf(login: Login, repository: string, tag: string): Promise<string | undefined> {
  const answer = await ask(login, `/v2/${repository}/manifests/${tag}`, "HEAD");
  return answer.ok ? (answer.headers.get("docker-content-digest") ?? undefined) : undefined;
}

/** The compressed size of an image in bytes, by its manifest. */
export async function sizeOf(login: Login, repository: string, digest: string): Promise<number | undefined> {
  const answer = await ask(login, `/v2/${repository}/manifests/${digest}`);
  if (!answer.ok) return undefined;
  const { layers = [] } = (await answer.json()) as { layers?: { size: number }[] };
  return layers.reduce((sum, { size }) => sum + size, 0);
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
}

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
  const { manifests, layers } = JSON.parse(bytes.toString()) as {
    manifests?: { digest: string }[];
    layers?: { size: number }[];
  };
  return {
    digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    parts: manifests?.map(({ digest }) => digest) ?? [],
    size: layers?.reduce((sum, { size }) => sum + size, 0),
  };
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
