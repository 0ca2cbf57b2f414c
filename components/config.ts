import * as pulumi from "@pulumi/pulumi";
import { PLAIN_PASSWORD } from "./problems.ts";
import { type Config, parseConfig, settingNames } from "./settings.ts";

/** The configuration of the running stack, and its one secret. */
export interface StackConfig extends Config {
  /** The registry's password: the stack's secret `registryPassword`, else CATALOG_REGISTRY_PASSWORD. */
  readonly registryPassword: pulumi.Output<string>;
}

/**
 * Reads and checks the whole configuration of the running stack; nothing else of the program reads any.
 * @throws pulumi.RunError that lists every problem at once, without a stack trace.
 */
export function readConfig(): StackConfig {
  const project = pulumi.getProject();
  const stack = new pulumi.Config(project);
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(pulumi.runtime.allConfig())) {
    const name = key.slice(key.indexOf(":") + 1);
    if (!key.startsWith(`${project}:`) || name === "registryPassword") continue;
    values[name] = isSecret(key) ? { secure: "" } : decode(stack.require(name), name);
  }
  const { config, problems } = parseConfig(values);

  if (stack.get("registryPassword") !== undefined && !isSecret(`${project}:registryPassword`)) {
    problems.push(PLAIN_PASSWORD);
  }
  const password = stack.getSecret("registryPassword") ?? fromEnvironment();
  if (password === undefined) {
    problems.push(
      "registryPassword: missing; `npm run up` makes one for an embedded registry, for any other " +
        "`pulumi config set --secret registryPassword` or set CATALOG_REGISTRY_PASSWORD",
    );
  }
  if (config === undefined || password === undefined || problems.length > 0) {
    throw new pulumi.RunError(explain(pulumi.getStack(), problems));
  }
  return { ...config, registryPassword: password };
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

function fromEnvironment(): pulumi.Output<string> | undefined {
  const password = process.env.CATALOG_REGISTRY_PASSWORD;
  return password ? pulumi.secret(password) : undefined;
}

/** Pulumi hands text over as it is, everything else as JSON. */
function decode(text: string, name: string): unknown {
  if (settingNames.structured.has(name)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}
