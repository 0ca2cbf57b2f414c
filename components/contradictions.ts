import { existsSync, readdirSync, statSync } from "node:fs";
import { remoteBuilders } from "./builderSettings.ts";
import { isLoopback } from "./imageReference.ts";
import { machineArchitecture } from "./platforms.ts";
import { choice, found } from "./problems.ts";
import type { Config } from "./settings.ts";
import { type Branch, grounds, type Lists, line, series, treeOf } from "./tree.ts";

/**
 * What no single value shows: names that must be unique or must exist.
 * @param config the settings that are valid by themselves; what others would be needed for is not looked at.
 */
export function contradictions(config: Partial<Config>): string[] {
  const { frameworks = [], applications = [], builder, registry, promote } = config;
  const problems = twice(config);
  if (promote?.from !== undefined) return [...problems, ...unpromotable(config)];
  if (promote?.only !== undefined) {
    problems.push("promote.from: missing; the stack whose images are taken is needed, for example dev");
  }
  frameworks.forEach(({ name, version }, i) => {
    const versions = frameworkVersions(name);
    if (versions.length === 0) {
      const names = readdirSync("images").filter((folder) => frameworkVersions(folder).length > 0);
      problems.push(`frameworks[${i}].name: ${found(name)}; ${choice(name, names)}`);
    } else if (!versions.includes(version)) {
      problems.push(
        `frameworks[${i}].version: ${found(version)}; images/${name}/${version}/requirements.txt is needed ` +
          `(versions there: ${versions.join(", ")})`,
      );
    }
  });
  applications.forEach(({ name }, i) => {
    if (!existsSync(`images/${name}/Dockerfile`)) {
      problems.push(
        `applications[${i}].name: ${found(name)}; a folder images/${name} with a Dockerfile is needed`,
      );
    }
  });
  if (isWhole(config)) problems.push(...unrooted(config));
  const names = config.applications?.map(({ name }) => name);
  for (const name of Object.keys(config.sources?.application ?? {})) {
    if (names && !names.includes(name)) {
      problems.push(`sources.application: ${found(name)}; ${choice(name, names)}`);
    }
  }
  if (registry?.embedded && !/^(localhost|127\.0\.0\.1):\d+$/.test(registry.address)) {
    problems.push(
      `registry.address: ${found(registry.address)}; an embedded registry is on this machine's loopback, ` +
        "for example localhost:5001 (for another registry set registry.embedded to false)",
    );
  }
  if (registry?.embedded && registry.ca !== undefined) {
    problems.push(
      `registry.ca: ${found(registry.ca)}; an embedded registry has no TLS (for another registry set registry.embedded to false)`,
    );
  }
  for (const { setting, endpoint } of remoteBuilders(builder)) {
    if (!registry?.embedded || isLoopback(endpoint.replace(/^tcp:\/\//, ""))) continue;
    problems.push(
      `${setting}.endpoint: ${found(endpoint)}; a builder elsewhere does not reach an embedded registry, which is ` +
        "on this machine's loopback (for another registry set registry.embedded to false)",
    );
  }
  return [...problems, ...unjoinable(config)];
}

/** What is there twice and may be there once. */
function twice(config: Partial<Config>): string[] {
  const { systems = [], pyenvs = [], pythons = [], javas = [], frameworks = [], applications = [] } = config;
  const { builder, platforms = [] } = config;
  const problems: string[] = [];
  const unique = (key: string, names: string[], advice: string) => {
    for (const name of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
      problems.push(`${key}: ${name} is there twice; ${advice}`);
    }
  };
  const named = ({ name, version }: { name: string; version: string }) => `${name} ${series(version)}`;
  const oneOfSeries = "one version of each series is allowed";
  unique("platforms", platforms, "keep one");
  unique(
    "builder.nodes",
    remoteBuilders(builder).flatMap((each) => each.platforms ?? []),
    "keep one",
  );
  unique("systems", systems.map(named), oneOfSeries);
  unique(
    "pyenvs",
    pyenvs.map(({ version }) => series(version)),
    oneOfSeries,
  );
  unique(
    "pythons",
    pythons.map(({ version }) => series(version)),
    oneOfSeries,
  );
  unique(
    "javas",
    javas.map(({ version }) => version),
    "keep one",
  );
  unique("frameworks", frameworks.map(named), oneOfSeries);
  unique(
    "applications",
    applications.map(({ name }) => name),
    "keep one",
  );
  unique(
    "applications",
    applications.flatMap(({ publish }) => publish ?? []).map((port) => `port ${port}`),
    "publish another",
  );
  return problems;
}

/** What stands against promotion. */
function unpromotable({ registry }: Partial<Config>): string[] {
  // The provider pushes over HTTP to localhost, and then looks over HTTPS for what it has pushed.
  return registry?.embedded
    ? [
        "registry.embedded: found true; images are promoted into a registry with TLS, so false and its address are needed",
      ]
    : [];
}

/** What stands against images for several platforms, or for another one than this machine's. */
function unjoinable({ platforms = [], builder, registry, systems = [] }: Partial<Config>): string[] {
  const problems: string[] = [];
  const built = remoteBuilders(builder).flatMap((each) => each.platforms ?? platforms);
  platforms.forEach((platform, i) => {
    if (typeof builder !== "object" || built.includes(platform)) return;
    problems.push(`platforms[${i}]: ${found(platform)}; no node of builder.nodes builds for it`);
  });
  // The provider pushes an index over HTTP to localhost, and then looks over HTTPS for what it has pushed.
  if (registry?.embedded && platforms.length > 0) {
    problems.push(
      `platforms: ${found(platforms)}; an index of platforms is pushed to a registry with TLS, so ` +
        "registry.embedded: false and its address are needed",
    );
  }
  const own = `linux/${machineArchitecture()}`;
  const other = platforms.filter((platform) => platform !== own);
  systems.forEach(({ base }, i) => {
    if ("image" in base || other.length === 0) return;
    problems.push(
      `systems[${i}].base: ${found(base)}; a root file system that this machine prepares is for ${own} alone, so for ` +
        `${other.join(", ")} an {image} is needed`,
    );
  });
  return problems;
}

const isWhole = (config: Partial<Config>): config is Lists =>
  (["systems", "pyenvs", "pythons", "variant", "frameworks", "javas", "applications"] as const).every(
    (list) => config[list] !== undefined,
  );

/** What is to be built on something that is not there. */
function unrooted(config: Lists): string[] {
  const tree = treeOf(config);
  const problems: string[] = [];
  // What each list's items may be built on, and which of them are built on something.
  const grown = [
    ["pyenvs", tree.systems, tree.pyenvs],
    ["pythons", tree.pyenvs, tree.pythons],
    ["javas", tree.systems, tree.javas],
    ["frameworks", [...tree.pythons, ...tree.slimPythons], tree.frameworks],
  ] as const;
  for (const [list, below, there] of grown) {
    const allowed = [...new Set(below.flatMap(line).flatMap(({ aliases }) => aliases))];
    config[list].forEach((item, i) => {
      const unknown = (item.on ?? []).filter((name) => !allowed.includes(name));
      for (const name of unknown) {
        const index = item.on?.indexOf(name);
        problems.push(
          `${list}[${i}].on[${index}]: ${found(name)}; ${choice(name, short(below.flatMap(line)))}`,
        );
      }
      if (unknown.length === 0 && !there.some(({ settings }) => settings === item)) {
        problems.push(`${list}[${i}]: ${found(item)}; nothing of the stack is left to build it on`);
      }
    });
  }
  const parents = grounds(tree);
  config.applications.forEach(({ version, framework }, i) => {
    if (version === undefined) {
      problems.push(`applications[${i}].version: missing; a version is needed, for example 1.0.0`);
    }
    if (parents.some(({ aliases }) => aliases.includes(framework ?? ""))) return;
    problems.push(
      `applications[${i}].framework: ${found(framework)}; ${choice(framework ?? "", short(parents))}`,
    );
  });
  return problems;
}

/** What people call layers: `flask` and `flask-3.1`; the longer names follow from these. */
function short(branches: readonly Branch[]): string[] {
  return [...new Set(branches.flatMap(({ aliases }) => aliases.slice(0, 2)))];
}

/** The versions of a framework: the folders of its image that have locked requirements. */
function frameworkVersions(name: string): string[] {
  if (!statSync(`images/${name}`, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(`images/${name}`)
    .filter((version) => existsSync(`images/${name}/${version}/requirements.txt`))
    .sort();
}
