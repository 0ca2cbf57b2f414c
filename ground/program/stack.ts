import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { PLAIN_PASSWORD } from "../../components/problems.ts";
import { type Config, decode, parseConfig } from "../../components/settings.ts";
import { GroundError } from "../tools/log.ts";

/** A stack as its file and the defaults of Pulumi.yaml describe it, read without Pulumi. */
export interface Stack {
  readonly name: string;
  readonly project: string;
  /** The values by setting name, as they are in the files. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly config: Config;
  /** Whether the file holds the registry's password, encrypted. */
  readonly hasPassword: boolean;
}

/** The names of the stacks that have a file. */
export function stackNames(): string[] {
  return readdirSync(".")
    .flatMap((file) => /^Pulumi\.([\w-]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();
}

/**
 * Reads a stack's file.
 * @throws GroundError if there is no such stack, or with all problems of its configuration.
 */
export function readStack(name: string): Stack {
  const file = `Pulumi.${name}.yaml`;
  if (!existsSync(file)) {
    throw new GroundError(
      `There is no stack "${name}": ${file} is missing; there are ${stackNames().join(", ")}.`,
    );
  }
  const project = parse(readFileSync("Pulumi.yaml", "utf8")) as {
    name: string;
    config: Record<string, { default?: unknown }>;
  };
  const own = readYaml(file).config ?? {};
  const values: Record<string, unknown> = {};
  for (const [key, { default: value }] of Object.entries(project.config))
    if (value !== undefined) values[key] = value;
  for (const [key, value] of Object.entries(own)) {
    const [namespace, setting] = key.split(":", 2);
    if (namespace !== project.name || !setting) continue;
    values[setting] = typeof value === "string" ? decode(value, setting) : value;
  }
  const password = values.registryPassword as { secure?: string } | undefined;
  const hasPassword = password !== undefined;
  delete values.registryPassword;

  const { config, problems } = parseConfig(values);
  if (hasPassword && !password?.secure) problems.push(PLAIN_PASSWORD);
  if (config === undefined || problems.length > 0) {
    throw new GroundError(
      [`${file} is not valid:`, ...problems.map((problem) => `  - ${problem}`)].join("\n"),
    );
  }
  return { name, project: project.name, values, config, hasPassword };
}

function readYaml(file: string): { config?: Record<string, unknown> } {
  try {
    return (parse(readFileSync(file, "utf8")) as { config?: Record<string, unknown> }) ?? {};
  } catch (error) {
    throw new GroundError(`${file} is not YAML: ${(error as Error).message.split("\n")[0]}`);
  }
}
