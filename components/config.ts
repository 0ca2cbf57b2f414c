import * as pulumi from "@pulumi/pulumi";
import { hostLogin, token } from "./hostLogin.ts";
import { PLAIN_PASSWORD } from "./problems.ts";
import { type Config, decode, parseConfig } from "./settings.ts";

/** A registry, and the password that the stack holds: a shared one may be logged in to with the host's. */
export type RegistryConfig = Config["registry"] &
  (
    | { readonly embedded: true; readonly password: pulumi.Output<string> }
    | { readonly embedded: false; readonly password: pulumi.Output<string> | undefined }
  );

/** The configuration of the running stack, with its one secret. */
export interface StackConfig extends Config {
  readonly registry: RegistryConfig;
}

/**
 * Reads and checks the whole configuration of the running stack; nothing else of the program reads any.
 * @throws pulumi.RunError that lists every problem at once, without a stack trace.
 */
export async function readConfig(): Promise<StackConfig> {
  const project = pulumi.getProject();
  const stack = new pulumi.Config(project);
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(pulumi.runtime.allConfig())) {
    const name = key.slice(key.indexOf(":") + 1);
    if (!key.startsWith(`${project}:`) || name === "registryPassword") continue;
    values[name] = isSecret(key) ? { secure: "" } : decode(stack.require(name), name);
  }
  const { config, problems } = parseConfig(values);

  const secret = stack.getSecret("registryPassword");
  if (secret !== undefined && !isSecret(`${project}:registryPassword`)) problems.push(PLAIN_PASSWORD);
  const registry = config && { ...config.registry, password: secret ?? ownPassword(config.registry) };
  if (secret === undefined)
    problems.push(...(await loginProblems(values.registry, config?.registry.address)));
  if (config === undefined || registry === undefined || problems.length > 0) {
    throw new pulumi.RunError(explain(pulumi.getStack(), problems));
  }
  return { ...config, registry: registry as RegistryConfig };
}

/** The password of an embedded registry out of the environment. A shared one's is a token, and in no state. */
function ownPassword({ embedded }: Config["registry"]): pulumi.Output<string> | undefined {
  const password = token();
  return embedded && password ? pulumi.secret(password) : undefined;
}

/**
 * What is missing where the stack has no secret.
 * @param registry the setting, valid or not.
 * @param address of the registry, where all settings are valid.
 */
async function loginProblems(registry: unknown, address: string | undefined): Promise<string[]> {
  const { embedded = true } = (registry ?? {}) as { embedded?: unknown };
  if (embedded) {
    const missing =
      "registryPassword: missing; `npm run up` makes one, or `pulumi config set --secret registryPassword`";
    return token() ? [] : [missing];
  }
  if (address === undefined) return [];
  const { login, problem } = await hostLogin(address);
  if (problem !== undefined) return [`registryPassword: missing, and ${problem}`];
  if (token() === undefined || login.password === token()) return [];
  return [
    "registryPassword: missing; CATALOG_REGISTRY_PASSWORD reaches Pulumi's providers by `npm run up` and `npm run preview` " +
      `alone; without them, \`docker login ${address}\` is needed, and the variable not set`,
  ];
}

/** The problems of a stack's configuration in words, a line each. */
export function explain(stack: string, problems: readonly string[]): string {
  return [`The configuration of stack "${stack}" is not valid:`, ...problems.map((p) => `  - ${p}`)].join(
    "\n",
  );
}

/**
 * Whether a value is encrypted in the stack's file. Such a one is passed on as a secret without its value, which
 * would else get into messages and images. The SDK has the function, but not in its types.
 */
function isSecret(key: string): boolean {
  const { isConfigSecret } = pulumi.runtime as { isConfigSecret?: (key: string) => boolean };
  return isConfigSecret?.(key) ?? false;
}
