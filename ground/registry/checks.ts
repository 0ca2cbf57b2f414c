/** What a stack needs of a registry that exists, looked at before anything is built. */
import { loginWays } from "../../components/hostLogin.ts";
import { isLoopback } from "../../components/imageReference.ts";
import * as client from "../../components/registryClient.ts";
import { trust, trusted } from "../../components/trust.ts";
import type { Builder } from "../machine/builder.ts";
import type { StackLogin } from "../program/login.ts";
import type { Stack } from "../program/stack.ts";
import { type Finding, GroundError, say } from "../tools/log.ts";
import { startPush } from "../tools/registry.ts";
import { isTrustedBy, isUntrusted, unreached } from "./connection.ts";
import { partiesOf } from "./parties.ts";

/** What was looked at, in a word, and what was found. */
export interface Check extends Finding {
  readonly topic: string;
  /** What is not as it has to be is mended by `npm run up`. */
  readonly later?: boolean;
}

/**
 * Whether a stack's registry answers, with a certificate that Pulumi's providers trust, and lets the stack in. Ends with
 * what does not hold. From then on this process trusts the registry's CA.
 */
export async function* accessChecks({ config }: Stack, login: StackLogin): AsyncGenerator<Check> {
  const { address, ca } = config.registry;
  trust(ca);
  let status: number;
  try {
    ({ status } = await client.ask(address, "/v2/", "GET", { login, timeout: 15_000 }));
  } catch (error) {
    if (!(error instanceof client.RegistryError)) throw error;
    if (isUntrusted(error.code)) yield untrusted(address, ca);
    else yield { topic: "registry", ok: false, text: unreached(address, error) };
    return;
  }
  yield { topic: "registry", ok: true, text: `${address} answers` };
  if (!isLoopback(address)) {
    const check = await providersTrust(address, ca);
    yield check;
    if (!check.ok) return;
  }
  if (status === 200) yield { topic: "login", ok: true, text: `${login.username}, from ${login.from}` };
  else yield { topic: "login", ok: false, text: refused(login, status) };
}

/** Not what this process does: Node brings CAs along, the providers go by the system's. */
async function providersTrust(address: string, ca: string | undefined): Promise<Check> {
  if (!(await isTrustedBy(trusted(ca), address))) return untrusted(address, ca);
  return { topic: "trust", ok: true, text: "Pulumi's providers: yes" };
}

function untrusted(address: string, ca: string | undefined): Check {
  const what = `Pulumi's providers do not trust the CA of the registry ${address}`;
  const mend =
    ca === undefined
      ? "set registry.ca to a PEM file with its certificate, or add it to what the system trusts"
      : `its certificate is not signed by the one in registry.ca, ${ca}`;
  return { topic: "trust", ok: false, text: `${what}: ${mend}.` };
}

const refused = ({ address, username, from }: StackLogin, status: number): string =>
  status === 401 || status === 403
    ? `The registry ${address} refuses the password of ${username}, from ${from}: set the right one, by ${loginWays(address)}.`
    : `The registry ${address} answers ${status}, not 200, to a login.`;

/** Whether a login may push to a stack's namespace: an upload is started, and cancelled. */
export async function* pushChecks({ config }: Stack, login: StackLogin): AsyncGenerator<Check> {
  const { namespace, systems } = config;
  const { address, username } = login;
  const repository = `${namespace}/${systems[0]?.name ?? "debian"}`;
  const status = await startPush(login, repository);
  const text: Record<number, string> = {
    202: `${username} may push to ${namespace}`,
    401: `${username} may not push to ${namespace} of the registry ${address} (401): its operator has to give that right.`,
    403: `${username} may not push to ${namespace} of the registry ${address} (403): its operator has to give that right.`,
    404: `The registry ${address} has no ${repository}, and makes none by itself (404): its operator has to make it.`,
  };
  const other = `The registry ${address} takes no push to ${repository}: it answers ${status}, not 202.`;
  yield { topic: "push", ok: status === 202, text: text[status] ?? other };
}

/** Whether those who talk to the registry trust its CA. @param mend makes it so where that is ours to do. */
export async function* trustChecks(
  stack: Stack,
  builder: Builder | undefined,
  mend: boolean,
): AsyncGenerator<Check> {
  if (isLoopback(stack.config.registry.address)) return;
  for (const party of await partiesOf(stack, builder)) {
    let problem = await party.ask();
    if (problem !== undefined && party.mend && mend) {
      await party.mend();
      say("trust", `${party.name} was given registry.ca`);
      problem = await party.ask();
    }
    const later = problem !== undefined && party.mend !== undefined && !mend;
    const text = later ? `${party.name}: not yet; \`npm run up\` gives it registry.ca` : problem;
    yield { topic: "trust", ok: problem === undefined, later, text: text ?? `${party.name}: yes` };
  }
}

/** All of it that a command needs. @throws GroundError with the first that does not hold. */
export async function need(...all: AsyncIterable<Check>[]): Promise<void> {
  for (const checks of all) {
    for await (const { ok, text } of checks) if (!ok) throw new GroundError(text);
  }
}
