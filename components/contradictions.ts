import { existsSync, readdirSync, statSync } from "node:fs";
import { choice, found } from "./problems.ts";
import { type Config, series } from "./settings.ts";

/**
 * What no single value shows: names that must be unique or must exist.
 * @param config the settings that are valid by themselves; what others would be needed for is not looked at.
 */
export function contradictions(config: Partial<Config>): string[] {
  const { pythons = [], javas = [], frameworks = [], applications = [], registry } = config;
  const problems: string[] = [];
  const unique = (key: string, names: string[], advice: string) => {
    for (const name of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
      problems.push(`${key}: ${name} is there twice; ${advice}`);
    }
  };
  unique(
    "pythons",
    pythons.map((p) => series(p.version)),
    "one version of each series is allowed",
  );
  unique(
    "javas",
    javas.map((j) => j.version),
    "keep one",
  );
  unique(
    "frameworks",
    frameworks.map((f) => `${f.name} ${series(f.version)}`),
    "keep one",
  );
  unique(
    "applications",
    applications.map((a) => a.name),
    "keep one",
  );
  unique(
    "applications",
    applications.flatMap((a) => a.publish ?? []).map((p) => `port ${p}`),
    "publish another",
  );

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
  applications.forEach(({ name, framework }, i) => {
    if (!existsSync(`images/${name}/Dockerfile`)) {
      problems.push(
        `applications[${i}].name: ${found(name)}; a folder images/${name} with a Dockerfile is needed`,
      );
    }
    const names = parentNames(frameworks, javas);
    if (config.frameworks && config.javas && !names.includes(framework)) {
      problems.push(`applications[${i}].framework: ${found(framework)}; ${choice(framework, names)}`);
    }
  });
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
  return problems;
}

/** What an application may name as its framework: those of the list, `java` for the first Java, `java21` for one. */
function parentNames(frameworks: Config["frameworks"], javas: Config["javas"]): string[] {
  return [
    ...new Set(frameworks.map(({ name }) => name)),
    ...(javas.length > 0 ? ["java"] : []),
    ...javas.map(({ version }) => `java${version}`),
  ];
}

/** The versions of a framework: the folders of its image that have locked requirements. */
function frameworkVersions(name: string): string[] {
  if (!statSync(`images/${name}`, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(`images/${name}`)
    .filter((version) => existsSync(`images/${name}/${version}/requirements.txt`))
    .sort();
}
