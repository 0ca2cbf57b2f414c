/** What is pinned, by a stack's configuration. */
import type { Config } from "../../components/settings.ts";

/** Something of one version, and where one may ask what there is besides. */
export interface Pin {
  /** The layer that it is pinned for: `pyenv`, `flask 3.1.3`; or `npm`, `tools`. */
  readonly layer: string;
  readonly name: string;
  /** The version as people say it: `3.13.5`, `13-slim`. */
  readonly pinned: string;
  readonly source: PinSource;
}

export type PinSource =
  /** An image by tag and digest. */
  | { readonly image: string }
  /** A tag of a git repository, by its commit. */
  | { readonly git: string; readonly commit: string }
  /** A commit of a git repository that is no version. */
  | { readonly head: string; readonly commit: string }
  | { readonly debianPackage: string; readonly suite: string }
  | { readonly debianSource: string }
  /** A suite of Debian. */
  | { readonly release: string; readonly archive?: string | undefined }
  /** A Java of an operating system's archive. */
  | { readonly java: System }
  /** Files of a folder that is listed, by a URL with {version}. */
  | { readonly listing: string }
  | { readonly pypi: string; readonly pythons: readonly string[] }
  /** Everything in a requirements.txt. */
  | { readonly lock: ReadonlyMap<string, string> }
  | { readonly maven: string; readonly artifact: string }
  | { readonly npm: string }
  | { readonly goModule: string }
  /** Nobody can be asked, and why. */
  | { readonly nobody: string };

export interface System {
  readonly name: string;
  readonly version: string;
  readonly base: Config["sources"]["base"];
  /** A mirror of its packages. */
  readonly archive?: string | undefined;
}

type PyenvSource = Config["sources"]["pyenv"];

/** What of a configuration is pinned, in lists. */
interface Lists extends Pick<Config, "pythons" | "javas" | "applications" | "registry"> {
  readonly systems: readonly System[];
  readonly pyenvs: readonly {
    readonly version: string;
    readonly source: PyenvSource;
    readonly virtualenv?: { readonly version: string; readonly source: PyenvSource } | undefined;
  }[];
  readonly sources: Pick<Config["sources"], "cpython" | "application">;
}

function listsOf(config: Config): Lists {
  const { base, osArchive, pyenv, pyenvVirtualenv } = config.sources;
  const virtualenv = pyenvVirtualenv && { version: config.pyenvVirtualenv, source: pyenvVirtualenv };
  return {
    ...config,
    systems: [{ name: config.os, version: config.osVersion, base, archive: osArchive }],
    pyenvs: [{ version: config.pyenv, source: pyenv, virtualenv }],
  };
}

/** What a stack's configuration pins; requirements are not in it, they have files of their own. */
export function pinsOf(config: Config): Pin[] {
  const { systems, pyenvs, pythons, javas, applications, registry, sources } = listsOf(config);
  const pins: Pin[] = systems.map((system) => basePin(system));
  if (registry.embedded && registry.image.includes("@")) pins.push(imagePin("registry", registry.image));
  for (const { version, source, virtualenv } of pyenvs) {
    pins.push(treePin("pyenv", version, source));
    if (virtualenv) pins.push(treePin("pyenv-virtualenv", virtualenv.version, virtualenv.source));
  }
  const { cpython } = sources;
  for (const { version } of pythons) {
    const source = "url" in cpython ? { listing: cpython.url } : cpython;
    pins.push({ layer: "python", name: "cpython", pinned: version, source });
  }
  for (const java of systems) {
    for (const { version } of javas) {
      const name = systems.length > 1 ? `openjdk of ${java.name} ${java.version}` : "openjdk";
      pins.push({ layer: "java", name, pinned: version, source: { java } });
    }
  }
  for (const { name } of applications) {
    const source = sources.application[name];
    if (source === undefined || !("git" in source)) continue;
    const { git, commit } = source;
    pins.push({
      layer: name,
      name: "repository",
      pinned: commit.slice(0, 8),
      source: { head: git, commit },
    });
  }
  return pins;
}

function basePin({ name, version, base, archive }: System): Pin {
  if ("image" in base) return imagePin("os", base.image);
  if ("mmdebstrap" in base) {
    const source = { release: base.mmdebstrap, archive };
    return { layer: "os", name, pinned: base.mmdebstrap, source };
  }
  return { layer: "os", name, pinned: version, source: { nobody: "an archive of your own" } };
}

function imagePin(layer: string, image: string): Pin {
  const [, name = image, tag = "", digest = ""] = /^(.+):([^:@/]+)@(.+)$/.exec(image) ?? [];
  return { layer, name, pinned: shortImage(tag, digest), source: { image } };
}

/** `13-slim@020c0d2`: a tag and as much of the digest as tells two apart. */
export function shortImage(tag: string, digest: string): string {
  return `${tag}@${digest.replace("sha256:", "").slice(0, 7)}`;
}

/** pyenv, or a plugin of it. */
function treePin(name: string, version: string, from: PyenvSource): Pin {
  const pin = (pinned: string, source: PinSource) => ({ layer: "pyenv", name, pinned, source });
  if ("git" in from) return pin(version, from);
  if ("folder" in from) return pin(version, { nobody: "a folder of your own" });
  return pin(from.version, { debianPackage: from.debianPackage, suite: from.suite });
}
