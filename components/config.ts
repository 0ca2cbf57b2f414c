import * as pulumi from "@pulumi/pulumi";
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
    const [namespace, name] = key.split(":", 2) as [string, string];
    if (namespace === project && name !== "registryPassword")
      values[name] = decode(stack.require(name), name);
  }
  const { config, problems } = parseConfig(values);

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

function fromEnvironment(): pulumi.Output<string> | undefined {
  const password = process.env.CATALOG_REGISTRY_PASSWORD;
  return password ? pulumi.secret(password) : undefined;
}

/** Pulumi hands arrays and objects over as JSON, everything else as text. */
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
