import { hostLogin, token } from "../../components/hostLogin.ts";
import type { Found } from "../machine/pulumi.ts";
import { withLogin } from "../tools/dockerConfig.ts";
import { must } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import type { Login } from "../tools/registry.ts";
import type { Stack } from "./stack.ts";
import { type State, trustEnv } from "./state.ts";

/** A stack's login to its registry. */
export interface StackLogin extends Login {
  /** Where it was found, in words. */
  readonly from: string;
}

/**
 * A stack's login: its secret, else the environment's token, else the host's Docker configuration.
 * @throws GroundError if there is none.
 */
export async function loginOf({ command }: Found, { env }: State, stack: Stack): Promise<StackLogin> {
  const { address, username, embedded } = stack.config.registry;
  // The secret of an embedded registry may have been made since the stack was read.
  if (!stack.hasPassword && (!embedded || token())) return await outsideLogin(stack);
  const get = ["config", "get", "registryPassword", "--stack", stack.name];
  const { stdout } = await must(command, get, { env });
  return { address, username, password: stdout.trim(), from: "the stack's secret registryPassword" };
}

/**
 * The same without the stack's secret.
 * @throws GroundError if there is none.
 */
export async function outsideLogin({ name, config, hasPassword }: Stack): Promise<StackLogin> {
  const { address, username } = config.registry;
  const password = token();
  if (password) return { address, username, password, from: "CATALOG_REGISTRY_PASSWORD" };
  const { login, problem } = await hostLogin(address);
  if (problem === undefined) return { address, ...login };
  const unread = hasPassword ? `; the encrypted one of Pulumi.${name}.yaml is for Pulumi alone` : "";
  throw new GroundError(`The password of ${username} at ${address} is missing, and ${problem}${unread}.`);
}

/**
 * Does work with the environment in which a stack's providers trust its registry, and find a login that its state does
 * not hold.
 */
export async function withProviders<T>(
  stack: Stack,
  state: State,
  work: (state: State) => Promise<T>,
): Promise<T> {
  const { address, username, embedded } = stack.config.registry;
  const env = { ...state.env, ...trustEnv(stack) };
  if (stack.hasPassword || embedded) return await work({ ...state, env });
  const password = token();
  return await withLogin(password ? { address, username, password } : undefined, (docker) =>
    work({ ...state, env: { ...env, ...docker } }),
  );
}
