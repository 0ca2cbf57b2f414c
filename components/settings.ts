import { existsSync, readdirSync } from "node:fs";
import { z } from "zod";
import { sourcesSchema } from "./sources.ts";
import { sha256, text, word } from "./wording.ts";

const fullVersion = text(/^\d+\.\d+\.\d+([a-z]+\d+)?$/, "a full version", "3.13.5");
const javaVersion = text(/^\d+$/, "a feature version", "21");
const imageName = text(/^[a-z0-9]+([._-][a-z0-9]+)*$/, "a lower-case image name", "flask-helloworld");
const argument = text(
  /^(?!PARENT$|PORT$)[A-Z][A-Z0-9_]*$/,
  "a build argument of the application's own",
  "FLASK_APP",
);
const port = z.int("a port number is needed, for example 5000").min(1).max(65535);

const schema = z.strictObject({
  namespace: text(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, "a lower-case name", "catalog"),
  builder: word("a name", "catalog"),
  registry: z.strictObject({
    embedded: z.boolean("true or false is needed").default(true),
    address: text(/^[\w.-]+(:\d+)?$/, "host or host:port, without a scheme", "localhost:5001").default(
      "localhost:5001",
    ),
    username: word("a name", "catalog").default("catalog"),
    image: word("an image of the registry", "registry:3@sha256:…").default(
      "registry:3@sha256:1be55279f18a2fe1a74edf2664cac61c1bea305b7b4642dab412e7affdcb3e33",
    ),
  }),
  labels: z.strictObject({
    source: word("a URL", "https://git.example.com/platform/image-catalog").default(
      "https://git.example.com/platform/image-catalog",
    ),
    vendor: word("a name", "Example Inc.").default("Example Inc."),
    licenses: word("an SPDX expression", "Apache-2.0").default("Apache-2.0"),
  }),
  os: text(/^[a-z0-9]+$/, "an operating system", "debian").refine((os) => existsSync(`images/os/${os}`), {
    error: () => `one of ${osNames().join(", ")} is needed`,
  }),
  osVersion: word("a version", "13"),
  osPackages: z.array(word("a package name", "curl")),
  pyenv: fullVersion,
  pyenvVirtualenv: fullVersion,
  pythons: z.array(z.strictObject({ version: fullVersion, sha256 })).min(1, "at least one Python is needed"),
  javas: z.array(z.strictObject({ version: javaVersion })),
  frameworks: z.array(z.strictObject({ name: imageName, version: word("a version", "3.1.3") })),
  applications: z.array(
    z.strictObject({
      name: imageName,
      version: word("a version", "1.0.0"),
      framework: imageName,
      args: z.record(argument, z.string("a text is needed")).default({}),
      port: port.default(5000),
      publish: port.optional(),
      address: text(/^\d+(\.\d+){3}$/, "an IPv4 address of this machine", "127.0.0.1").default("127.0.0.1"),
      memory: z.int("a number of MB is needed, for example 256").min(16).default(256),
    }),
  ),
  sources: sourcesSchema,
});

/** A stack's configuration, every default filled in. */
export type Config = z.output<typeof schema>;
export type ApplicationSettings = Config["applications"][number];

/** The names of all settings, and which of them are arrays or objects. */
export const settingNames = {
  all: Object.keys(schema.shape),
  structured: new Set(
    Object.entries(schema.shape)
      .filter(([, type]) => type instanceof z.ZodObject || type instanceof z.ZodArray)
      .map(([name]) => name),
  ),
};

/**
 * Checks configuration values, given by setting name, all at once.
 * @returns the configuration, or what is wrong with it: key, what was found, what is needed.
 */
export function parseConfig(values: Record<string, unknown>): { config?: Config; problems: string[] } {
  const result = schema.safeParse(values);
  if (!result.success) return { problems: result.error.issues.map((issue) => describe(issue, values)) };
  const problems = contradictions(result.data);
  return problems.length === 0 ? { config: result.data, problems } : { problems };
}

/** What no single value shows: names that must be unique or must exist. */
function contradictions(config: Config): string[] {
  const problems: string[] = [];
  const unique = (key: string, names: string[], advice: string) => {
    for (const name of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
      problems.push(`${key}: ${name} is there twice; ${advice}`);
    }
  };
  unique(
    "pythons",
    config.pythons.map((p) => series(p.version)),
    "one version of each series is allowed",
  );
  unique(
    "javas",
    config.javas.map((j) => j.version),
    "keep one",
  );
  unique(
    "frameworks",
    config.frameworks.map((f) => `${f.name} ${series(f.version)}`),
    "keep one",
  );
  unique(
    "applications",
    config.applications.map((a) => a.name),
    "keep one",
  );
  unique(
    "applications",
    config.applications.flatMap((a) => a.publish ?? []).map((p) => `port ${p}`),
    "publish another",
  );

  config.frameworks.forEach(({ name, version }, i) => {
    if (!existsSync(`images/${name}/${version}/requirements.txt`)) {
      const versions = existsSync(`images/${name}`) ? readdirSync(`images/${name}`).join(", ") : "none";
      problems.push(
        `frameworks[${i}]: found ${name} ${version}; images/${name}/${version}/requirements.txt is needed ` +
          `(versions there: ${versions})`,
      );
    }
  });
  if (config.javas.length > 0 && !existsSync(`images/java/packages/${config.os}`)) {
    problems.push(`javas: found os ${config.os}; a folder images/java/packages/${config.os} is needed`);
  }
  const parents = parentNames(config);
  config.applications.forEach(({ name, framework }, i) => {
    if (!existsSync(`images/${name}/Dockerfile`)) {
      problems.push(
        `applications[${i}].name: found ${name}; a folder images/${name} with a Dockerfile is needed`,
      );
    }
    if (!parents.includes(framework)) {
      problems.push(
        `applications[${i}].framework: found ${framework}; one of frameworks is needed (${parents.join(", ")})`,
      );
    }
  });
  if (config.registry.embedded && !/^(localhost|127\.0\.0\.1):\d+$/.test(config.registry.address)) {
    problems.push(
      `registry.address: found ${config.registry.address}; an embedded registry is on this machine's loopback, ` +
        "for example localhost:5001 (for another registry set registry.embedded to false)",
    );
  }
  return problems;
}

/** What an application may name as its framework: those of the list, `java` for the first Java, `java21` for one. */
function parentNames({ frameworks, javas }: Config): string[] {
  return [
    ...frameworks.map(({ name }) => name),
    ...(javas.length > 0 ? ["java"] : []),
    ...javas.map(({ version }) => `java${version}`),
  ];
}

/** `3.13` of `3.13.5`. */
export function series(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function osNames(): string[] {
  return readdirSync("images/os").sort();
}

function describe(issue: z.core.$ZodIssue, values: Record<string, unknown>): string {
  const key = issue.path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i ? "." : ""}${String(part)}`))
    .join("");
  if (issue.code === "unrecognized_keys") {
    return `${key ? `${key}: ` : ""}unknown key ${issue.keys.join(", ")}`;
  }
  const message = issue.code === "invalid_key" ? issue.issues[0]?.message : issue.message;
  const found = issue.path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown>)?.[part],
    values,
  );
  return `${key}: ${found === undefined ? "missing" : `found ${JSON.stringify(found)}`}; ${message}`;
}
