import { type Credentials, IDENTITY } from "./dockerLogin.ts";
import { isLoopback } from "./imageReference.ts";
import { patientFetch } from "./patientFetch.ts";

/**
 * The `authorization` header that answers a registry's challenge, by Basic or by a token:
 * https://distribution.github.io/distribution/spec/auth/token/.
 * @param challenges the header `www-authenticate`.
 * @returns undefined where there is no login that the registry takes.
 * @throws Error if the registry's token service does not answer as it should.
 */
export async function authorize(
  challenges: string,
  login: Credentials | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const schemes = challenges.split(/,\s*(?=(?:Basic|Bearer)\b)/i);
  const bearer = schemes.find((scheme) => /^Bearer\s/i.test(scheme));
  if (bearer === undefined)
    return schemes.some((scheme) => /^Basic\b/i.test(scheme)) ? basic(login) : undefined;

  const realm = parameter(bearer, "realm");
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (!(url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.host)))) {
    throw new Error("its token service is not at an https address");
  }
  const answer = await askForToken(url, bearer, login, signal);
  if (answer.status === 401 || answer.status === 403) return undefined;
  if (!answer.ok) throw new Error(`its token service answers ${answer.status}`);
  const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
  return `Bearer ${token ?? access_token}`;
}

function askForToken(
  url: URL,
  bearer: string,
  login: Credentials | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const asked = new URLSearchParams();
  for (const name of ["service", "scope"]) {
    const value = parameter(bearer, name);
    if (value) asked.set(name, value);
  }
  if (login?.username !== IDENTITY) {
    for (const [name, value] of asked) url.searchParams.set(name, value);
    const authorization = basic(login);
    return patientFetch(url, { headers: authorization ? { authorization } : {}, signal });
  }
  asked.set("grant_type", "refresh_token");
  asked.set("client_id", "image-catalog");
  asked.set("refresh_token", login.password);
  return fetch(url, { method: "POST", body: asked, signal });
}

const parameter = (scheme: string, name: string) =>
  new RegExp(`\\b${name}="([^"]*)"`, "i").exec(scheme)?.[1] ?? "";

const basic = (login: Credentials | undefined) =>
  login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
