import type { Credentials } from "../../components/dockerLogin.ts";
import * as client from "../../components/registryClient.ts";
import { GroundError } from "./log.ts";

/** A registry and a login to it. */
export interface Login extends Credentials {
  /** host or host:port, without a scheme. */
  readonly address: string;
}

/** A registry's answer, whatever its status. @throws GroundError if it does not answer. */
export async function ask(login: Login, path: string, method: "GET" | "HEAD" = "GET"): Promise<Response> {
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
