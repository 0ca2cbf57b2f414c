import { readdirSync } from "node:fs";
import { z } from "zod";
import { budget, budgetsSchema } from "./budgetSettings.ts";
import { buildCacheSetting } from "./buildCache.ts";
import { builderSetting } from "./builderSettings.ts";
import { contradictions } from "./contradictions.ts";
import { platformsSetting } from "./platforms.ts";
import { choice, problemsOf, secretsIn } from "./problems.ts";
import { promoteSchema } from "./promoteSettings.ts";
import { bare } from "./schema.ts";
import {
  baseSource,
  cpythonSource,
  gitOrFolder,
  pyenvSource,
  sourcesSchema,
  webUrl,
} from "./sourceSettings.ts";
import { isCertificates } from "./trust.ts";
import { sha256, text, url, whole, word } from "./wording.ts";

const fullVersion = text(/^\d+\.\d+\.\d+([a-z]+\d+)?$/, "a full version", "3.13.5");
const imageName = text(/^[a-z0-9]+([._-][a-z0-9]+)*$/, "a lower-case image name", "flask-helloworld");
const layerName = text(
  /^[a-z0-9]+([._-]+[a-z0-9]+)*$/,
  "a layer's name, or the beginning of one,",
  "python-3.13",
);
const on = z
  .array(layerName, "a list of layers is needed")
  .min(1, "at least one layer is needed")
  .optional()
  .describe("The layers below that it is built on, by name or its beginning. Default: all.")
  .meta({ example: ["debian-13"] });
const revision = whole("a number from 1", 2, 1)
  .optional()
  .describe(
    "Which publication of this version it is; from the second on, tags say it: `3.1.3-r2`. Default: 1.",
  );
/** A version as a tag can hold it. */
const version = (example: string) => text(/^\w[\w.-]{0,60}$/, "a version", example);
const argument = text(
  /^(?!BUILDER$|PARENT$|PORT$)[A-Z][A-Z0-9_]*$/,
  "a build argument of the application's own",
  "FLASK_APP",
);
const port = whole("a port from 1 to 65535", 5000, 1, 65535);
const boolean = z.boolean("true or false is needed").meta({ needed: "true or false", example: false });

const schema = z.strictObject({
  namespace: text(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, "a lower-case name", "platform/catalog").describe(
    "Names every image, <registry>/<namespace>/<image>, and every label, <namespace>.<tool>.version.",
  ),
  builder: builderSetting,
  platforms: platformsSetting,
  cache: buildCacheSetting,
  parallel: whole("a whole number from 0 to 256", 4, 0, 256).describe(
    "How many images are built at once. 0 stands for Pulumi's own number, 4 × cores.",
  ),
  registry: z
    .strictObject({
      embedded: boolean
        .default(true)
        .describe("Whether a registry of this stack's own runs on this machine's loopback."),
      address: text(/^[\w.-]+(:\d+)?$/, "host or host:port, without a scheme", "localhost:5001")
        .default("localhost:5001")
        .describe("Where the registry answers."),
      username: word("a name", "catalog")
        .default("catalog")
        .describe(
          "Who logs in with registryPassword or CATALOG_REGISTRY_PASSWORD; a login of `docker login` has its own.",
        ),
      ca: word("a PEM file with certificates", "certificates/registry-ca.pem")
        .refine(isCertificates, "a PEM file with certificates is needed")
        .optional()
        .describe(
          "The certificates of the CA that vouches for the registry, where the system does not trust it by itself.",
        ),
      image: word("an image of the registry", "registry:3@sha256:…")
        .default("registry:3@sha256:1be55279f18a2fe1a74edf2664cac61c1bea305b7b4642dab412e7affdcb3e33")
        .describe("What an embedded registry runs."),
      overwrite: boolean
        .default(false)
        .describe(
          "Whether a version tag that is published may get other content; in an embedded registry it always may.",
        ),
    })
    .describe("Where images are pushed: a registry of the stack's own on this machine, or one that exists.")
    .meta({ example: { embedded: false, address: "registry.example.com", username: "robot" } }),
  protect: boolean
    .describe("Whether `pulumi destroy` and `npm run down` leave the stack alone.")
    .meta({ example: true }),
  labels: z
    .strictObject({
      source: url(/^\S(.*\S)?$/, "a URL", "https://git.example.com/platform/image-catalog")
        .default("https://git.example.com/platform/image-catalog")
        .describe("The URL of this repository."),
      vendor: word("a name", "Example Inc.").default("Example Inc.").describe("The organization."),
      licenses: word("an SPDX expression", "Apache-2.0")
        .default("Apache-2.0")
        .describe("The licenses of what is in the images."),
    })
    .describe("What every image says of its origin.")
    .meta({ example: { vendor: "Example Inc." } }),
  systems: z
    .array(
      z.strictObject({
        name: text(/^[a-z0-9]+$/, "an operating system", "debian")
          .refine((os) => osNames().includes(os), { error: ({ input }) => choice(String(input), osNames()) })
          .describe("One of the folders in images/os."),
        version: version("13").describe("Its version, as in the image's tag."),
        revision,
        packages: z
          .array(text(/^[a-z0-9][\w.+:-]*$/i, "a package name", "curl"), "a list of package names is needed")
          .default([])
          .describe("Tools to install, by the operating system's own names.")
          .meta({ example: ["ca-certificates", "curl"] }),
        base: baseSource.describe("What it is built on."),
        archive: webUrl("a URL", "https://mirror.example.com/debian")
          .optional()
          .describe("A mirror of its packages; without it, what the base has."),
        budget,
      }),
      "a list of {name, version, base, …} is needed",
    )
    .min(1, "at least one operating system is needed")
    .describe("The operating systems. The first is the default, to which short tags and applications point.")
    .meta({
      example: [
        {
          name: "debian",
          version: "13",
          packages: ["ca-certificates", "curl"],
          base: {
            image: "debian:13-slim@sha256:020c0d20b9880058cbe785a9db107156c3c75c2ac944a6aa7ab59f2add76a7bd",
          },
        },
      ],
    }),
  pyenvs: z
    .array(
      z.strictObject({
        version: fullVersion.meta({ example: "2.7.1" }).describe("The version."),
        revision,
        source: pyenvSource.describe("Where it comes from."),
        virtualenv: z
          .strictObject({
            version: fullVersion.meta({ example: "1.2.6" }).describe("The plugin's version."),
            source: gitOrFolder.describe("Where it comes from."),
          })
          .optional()
          .describe("The plugin pyenv-virtualenv; without it, there is none."),
        on,
      }),
      "a list of {version, source, …} is needed",
    )
    .describe(
      "The pyenvs, which build the Pythons: each Python is built by the first, unless it says `on` which.",
    )
    .meta({
      example: [
        {
          version: "2.7.1",
          source: {
            git: "https://github.com/pyenv/pyenv.git",
            commit: "45180928d34ce5adf21931a494881bbf502ef6bd",
          },
        },
      ],
    }),
  pythons: z
    .array(
      z.strictObject({
        version: fullVersion.describe("The version."),
        revision,
        sha256: sha256.describe("The checksum of its source archive, Python-<version>.tar.xz."),
        source: cpythonSource.optional().describe("Where it comes from. Default: sources.cpython."),
        optimize: boolean
          .default(false)
          .describe(
            "Whether its build is optimized by a profile of its tests and at link time (PGO, LTO), which takes many times as long, and has no shared library of its own.",
          ),
        on,
      }),
      "a list of {version, sha256} is needed",
    )
    .describe("The Pythons. The first is the default, to which short tags and applications point.")
    .meta({
      example: [
        {
          version: "3.12.11",
          sha256: "c30bb24b7f1e9a19b11b55a546434f74e739bb4c271a3e3a80ff4380d49f7adb",
        },
      ],
    }),
  variant: text(/^(slim|full)$/, "slim or full", "full").describe(
    "On which Python frameworks and applications stand: `slim`, one without the compilers, which stay behind in build " +
      "stages, or `full`, the one that pyenv has built, in one line with them.",
  ),
  javas: z
    .array(
      z.strictObject({
        version: text(/^\d+$/, "a feature version", "21").describe(
          "The feature version; the operating system's archive says which there are.",
        ),
        revision,
        on,
      }),
      "a list of {version} is needed",
    )
    .describe(
      "The Javas, out of the operating system's archive. The first is the default, to which applications with framework `java` point.",
    )
    .meta({ example: [{ version: "21" }] }),
  frameworks: z
    .array(
      z.strictObject({
        name: imageName.meta({ example: "flask" }).describe("A folder of images."),
        version: version("3.1.3").describe("A folder in it, with a requirements.txt."),
        revision,
        budget,
        on,
      }),
      "a list of {name, version} is needed",
    )
    .describe("The frameworks, each built on every Python from images/<name>/<version>/requirements.txt.")
    .meta({ example: [{ name: "flask", version: "3.1.3" }] }),
  applications: z
    .array(
      z.strictObject({
        name: imageName.describe("A folder of images, with a Dockerfile."),
        version: version("1.0.0")
          .optional()
          .describe("The application's version; a promoted one has its own."),
        revision,
        budget,
        framework: layerName
          .optional()
          .meta({ example: "flask" })
          .describe(
            "What it is built on: a framework, a Java or a Python, by the name of its layer or the beginning of it; the first that fits. A promoted one has its own.",
          ),
        args: z
          .record(argument, z.string("a text is needed"))
          .default({})
          .describe("Build arguments of its Dockerfile, by name.")
          .meta({ example: { FLASK_APP: "microblog.py" } }),
        port: port.default(5000).describe("The port inside the container."),
        publish: port
          .optional()
          .describe("The port on this machine; without it, the application does not run."),
        address: text(/^\d+(\.\d+){3}$/, "an IPv4 address of this machine", "127.0.0.1")
          .default("127.0.0.1")
          .describe("The address on which the port is published."),
        workers: whole("a number of processes, at least 1,", 2, 1)
          .default(2)
          .describe("How many processes its WSGI server answers with: WEB_CONCURRENCY in the container."),
        memory: whole("a number of MB, at least 16,", 256, 16)
          .default(256)
          .describe("The limit of the container's memory, in MB."),
      }),
      "a list of {name, version, framework, …} is needed",
    )
    .describe("The applications, each an image on a framework; those that are published run.")
    .meta({
      example: [{ name: "flask-helloworld", version: "1.0.0", framework: "flask", publish: 5000 }],
    }),
  budgets: budgetsSchema
    .describe(
      "How many MB an image may add to what it is built from, compressed as a registry keeps it. `npm run up` shows what it " +
        "does add, and ends in an error where that is more.",
    )
    .meta({ example: { systems: 60, frameworks: 100 } }),
  promote: promoteSchema
    .describe(
      "Where images are taken from, by digest, instead of being built here; the lists above but for applications then do not count.",
    )
    .meta({ example: { from: "dev", only: ["flask-helloworld"] } }),
  sources: sourcesSchema
    .describe("Where everything from outside comes from, each thing pinned by digest, commit or sha256.")
    .meta({ example: { pypi: "https://pypi.example.com/simple" } }),
});

/** The one setting that is a secret, which is read apart: its value is in no configuration and in no message. */
const password = word("a password", "a secret").describe(
  "The registry's password. `npm run up` makes one for the embedded registry. A registry that exists may be logged in to " +
    "without it: by the environment variable CATALOG_REGISTRY_PASSWORD, or as `docker login` does (docs/registries.md).",
);

/** Every setting with its schema, for docs/configuration.md. */
export const settings: Readonly<Record<string, z.ZodType>> = { ...schema.shape, registryPassword: password };

/** A stack's configuration, every default filled in. */
export type Config = z.output<typeof schema>;
export type ApplicationSettings = Config["applications"][number];
/** An application that is built here. */
export type BuiltApplication = ApplicationSettings & { readonly version: string; readonly framework: string };

/** The names of all settings, and which of them are no text, or may be none. */
export const settingNames = {
  all: Object.keys(schema.shape),
  structured: new Set(
    Object.entries(schema.shape)
      .filter(([, type]) =>
        [z.ZodObject, z.ZodArray, z.ZodNumber, z.ZodBoolean, z.ZodUnion].some(
          (structured) => bare(type) instanceof structured,
        ),
      )
      .map(([name]) => name),
  ),
};

/** A setting's value where Pulumi has made a text of it: it hands all that is none over as JSON, and so it rewrites stack files. */
export function decode(value: string, name: string): unknown {
  if (!settingNames.structured.has(name)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/**
 * Checks configuration values, given by setting name, all at once.
 * @returns the configuration, or what is wrong with it: key, what was found, what is allowed.
 */
export function parseConfig(values: Record<string, unknown>): { config?: Config; problems: string[] } {
  const secrets = secretsIn(values);
  if (secrets.length > 0) return { problems: secrets };
  const result = schema.safeParse(values);
  if (result.success) {
    const problems = contradictions(result.data);
    return problems.length === 0 ? { config: withoutUnbuilt(result.data), problems } : { problems };
  }
  const valid = Object.entries(schema.shape).flatMap(([name, type]) => {
    const { success, data } = type.safeParse(values[name]);
    return success ? [[name, data]] : [];
  });
  return {
    problems: [
      ...problemsOf({ type: schema, value: values, path: [] }, result.error.issues),
      ...contradictions(Object.fromEntries(valid)),
    ],
  };
}

/** What is promoted is not built: no list says what stands here, and nothing is prepared for it. */
function withoutUnbuilt(config: Config): Config {
  if (config.promote.from === undefined) return config;
  return { ...config, systems: [], pyenvs: [], pythons: [], javas: [], frameworks: [] };
}

function osNames(): string[] {
  return readdirSync("images/os").sort();
}
