import { IDENTITY, type UserLogin, userLogin } from "./dockerLogin.ts";

/** A short-lived password, for one run. */
export const token = () => process.env.CATALOG_REGISTRY_PASSWORD || undefined;

/** How a registry that exists is logged in to, for messages. */
export const loginWays = (address: string) =>
  `\`pulumi config set --secret registryPassword\`, \`docker login ${address}\`, or CATALOG_REGISTRY_PASSWORD with \`npm run up\``;

/**
 * The login in the host's Docker configuration, as Pulumi's providers find it there.
 * @param address host or host:port.
 * @returns what stands against it, if they would find none or another.
 */
export async function hostLogin(
  address: string,
): Promise<{ login: UserLogin; problem?: never } | { login?: never; problem: string }> {
  let login: UserLogin | undefined;
  try {
    login = await userLogin(address, AbortSignal.timeout(15_000));
  } catch (error) {
    return { problem: (error as Error).message };
  }
  if (login === undefined) return { problem: `there is no login to ${address}: ${loginWays(address)}` };
  if (login.username !== IDENTITY) return { login };
  const problem =
    `${login.from} keeps an identity token for ${address}, which Pulumi's providers do not pass on; a username with a ` +
    `password is needed: ${loginWays(address)}`;
  return { problem };
}
