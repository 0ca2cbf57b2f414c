/** What is pinned, by a stack's configuration. */
import type { Config } from "../../components/settings.ts";
import { treeOf } from "../../components/tree.ts";

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

export type System = Config["systems"][number];
type PyenvSource = Config["pyenvs"][number]["source"];

/** What a stack's configuration pins; requirements are not in it, they have files of their own. */
export function pinsOf(config: Config): Pin[] {
  const { systems, pyenvs, pythons, applications, registry, sources } = config;
  const pins: Pin[] = systems.map((system) => basePin(system));
  if (registry.embedded && registry.image.includes("@")) pins.push(imagePin("registry", registry.image));
  for (const { version, source, virtualenv } of pyenvs) {
    pins.push(...treePins("pyenv", version, source));
    if (virtualenv) pins.push(...treePins("pyenv-virtualenv", virtualenv.version, virtualenv.source));
  }
  for (const { version, source: from = sources.cpython } of pythons) {
    const source = "url" in from ? { listing: from.url } : from;
    pins.push({ layer: "python", name: "cpython", pinned: version, source });
  }
  const tree = treeOf(config);
  for (const { settings, parent } of tree.javas) {
    const java = parent?.settings as System;
    const name = systems.length > 1 ? `openjdk of ${java.name} ${java.version}` : "openjdk";
    pins.push({ layer: "java", name, pinned: settings.version, source: { java } });
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
function treePins(name: string, version: string, from: PyenvSource): Pin[] {
  const pin = (name: string, pinned: string, source: PinSource) => ({ layer: "pyenv", name, pinned, source });
  if ("git" in from) return [pin(name, version, from)];
  if ("folder" in from) return [pin(name, version, { nobody: "a folder of your own" })];
  return from.debianPackages.map(({ name, version }) =>
    pin(name, version, { debianPackage: name, suite: from.suite }),
  );
}
