import type { ApplicationSettings, BuiltApplication, Config } from "./settings.ts";

/** A layer to be: its place in the tree, before anything is made. */
export interface Branch<Settings = unknown> {
  /** The layer's name in the stack, such as "flask-3.1-python-3.13-debian-13": what stays when a patch version changes. */
  readonly name: string;
  /** What the configuration may call it: `flask`, `flask-3.1`, `flask-3.1-python` … up to the whole name. */
  readonly aliases: readonly string[];
  /** What it is built from; undefined for an operating system. */
  readonly parent: Branch | undefined;
  /** What its build stages are built from, which has the compilers; undefined where there are no such stages. */
  readonly builder: Branch | undefined;
  /** Its item in the configuration. */
  readonly settings: Settings;
}

type Item<List extends keyof Config> = Config[List] extends readonly (infer Settings)[]
  ? Branch<Settings>
  : never;

/** All layers to be, each kind in the order of the configuration: the first is the default. */
export interface Tree {
  readonly systems: readonly Item<"systems">[];
  readonly pyenvs: readonly Item<"pyenvs">[];
  readonly pythons: readonly Item<"pythons">[];
  /** The same Pythons without compilers; none where all stands on those that have them. */
  readonly slimPythons: readonly Item<"pythons">[];
  readonly frameworks: readonly Item<"frameworks">[];
  readonly javas: readonly Item<"javas">[];
  readonly applications: readonly Branch<BuiltApplication>[];
}

/** What of a configuration makes the tree. */
export type Lists = Pick<Config, Exclude<keyof Tree, "slimPythons"> | "variant">;

/** The tree of a configuration: every item of a list on every layer below that it does not exclude. */
export function treeOf(config: Lists): Tree {
  const systems = config.systems.map((system) => branch(system.name, system));
  const pyenvs = systems.flatMap((os) =>
    fitting(config.pyenvs, os).map((pyenv) => branch("pyenv", pyenv, { parent: os })),
  );
  const pythons = systems.flatMap((os) =>
    config.pythons.flatMap((python) => {
      // Built once on each system, by the first pyenv that fits; pyenv, a build tool, is not in the name.
      const pyenv = pyenvs.find((pyenv) => pyenv.parent === os && fits(python, pyenv));
      return pyenv ? [branch("python", python, { parent: pyenv, below: os })] : [];
    }),
  );
  const slimPythons = config.variant === "slim" ? pythons.map(slim) : [];
  const frameworks = (config.variant === "slim" ? slimPythons : pythons).flatMap((python) => {
    // Named after the Python and not its variant, which pyenv is not in either.
    const { builder = python } = python;
    const place = { parent: python, builder, below: builder };
    return fitting(config.frameworks, python).map((framework) => branch(framework.name, framework, place));
  });
  const javas = systems.flatMap((os) =>
    fitting(config.javas, os).map((java) => branch("java", java, { parent: os })),
  );
  const tree = { systems, pyenvs, pythons, slimPythons, frameworks, javas };
  const applications = config.applications.filter(isBuilt).flatMap((settings) => {
    const parent = grounds(tree).find(({ aliases }) => aliases.includes(settings.framework));
    if (!parent) return [];
    const { builder = parent } = parent;
    return [{ name: settings.name, aliases: [settings.name], parent, builder, settings }];
  });
  return { ...tree, applications };
}

/** What applications may be built on; the first that fits is taken. */
export function grounds({
  frameworks,
  javas,
  slimPythons,
  pythons,
}: Pick<Tree, "frameworks" | "javas" | "slimPythons" | "pythons">): Branch[] {
  return [...frameworks, ...javas, ...slimPythons, ...pythons];
}

/** A Python on its operating system alone, without what has built it. */
function slim(python: Item<"pythons">): Item<"pythons"> {
  const parent = line(python).at(-1) as Branch;
  return branch("python", python.settings, { parent, builder: python, variant: "slim" });
}

const isBuilt = (settings: ApplicationSettings): settings is BuiltApplication =>
  settings.version !== undefined && settings.framework !== undefined;

/** `3.13` of `3.13.5`, `13` of `13`. */
export function series(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** Where a branch is: its name continues with that of `below`, its parent's by default. */
interface Place {
  readonly parent?: Branch;
  readonly builder?: Branch;
  readonly below?: Branch;
  readonly variant?: string;
}

function branch<Settings extends { readonly version: string }>(
  image: string,
  settings: Settings,
  { parent, builder, below = parent, variant }: Place = {},
): Branch<Settings> {
  const names = [image, `${image}-${series(settings.version)}`];
  if (variant) names.push(`${names[1]}-${variant}`);
  const aliases = [...names, ...(below?.aliases ?? []).map((alias) => `${names.at(-1)}-${alias}`)];
  return { name: aliases.at(-1) as string, aliases, parent, builder, settings };
}

/** The items that are built on a branch. */
function fitting<Settings extends { readonly on?: readonly string[] | undefined }>(
  items: readonly Settings[],
  parent: Branch,
): Settings[] {
  return items.filter((item) => fits(item, parent));
}

/** Whether an item is built on a branch: it names it, or one further down, or none. */
function fits({ on }: { readonly on?: readonly string[] | undefined }, parent: Branch): boolean {
  return on === undefined || line(parent).some(({ aliases }) => aliases.some((alias) => on.includes(alias)));
}

/** A branch and all that it stands on, its operating system last; before that what has built it. */
export function line(branch: Branch | undefined): Branch[] {
  return branch ? [branch, ...line(branch.builder), ...line(branch.parent)] : [];
}
