import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { stage } from "./buildContext.ts";
import { sha256, text, word } from "./wording.ts";

const suite = text(/^[a-z]+$/, "a suite of Debian", "trixie");

/** An image pinned by digest, such as debian:13-slim@sha256:…. */
const image = z.strictObject({
  image: text(
    /^[\w./:-]+:[\w.-]+@sha256:[0-9a-f]{64}$/,
    "an image with tag and digest",
    "debian:13-slim@sha256:…",
  ),
});
/** A git repository at one commit. */
const git = z.strictObject({
  git: text(/^(https?|ssh|git):\/\/\S+$/, "a git URL", "https://git.example.com/app.git"),
  commit: text(/^[0-9a-f]{40}$/, "a full commit", "23b3fc85d407f8c68c95efd8a29dd053467708c5"),
});
/** A folder of this machine, relative to the project. */
const folder = z.strictObject({
  folder: word("a folder", "../microblog").refine(
    (path) => existsSync(path),
    "a folder that exists is needed",
  ),
});
/** A root file system as an archive (.tar, .tar.gz), by path or URL. */
const rootfs = z.strictObject({
  rootfs: word("a path or URL", "alpine-minirootfs-3.20.3-x86_64.tar.gz"),
  sha256,
});
/** A root file system made by mmdebstrap from Debian's signed archive. */
const mmdebstrap = z.strictObject({ mmdebstrap: suite });
/** A folder of a Debian package. */
const debianPackage = z.strictObject({
  debianPackage: word("a package name", "pyenv"),
  suite,
  version: word("the package's version", "2.5.4-1"),
  sha256,
  path: text(/^[^/]\S*$/, "a path in the package, without leading slash", "usr/share/pyenv"),
});
/** CPython's source archives by URL, `{version}` standing for the version. */
const url = z.strictObject({
  url: text(
    /^https?:\/\/\S*\{version\}\S*$/,
    "a URL with {version}",
    "https://mirror.example.com/Python-{version}.tar.xz",
  ),
});
/** CPython's source archives as Debian's source packages hold them. */
const debianSource = z.strictObject({ debianSource: suite });

/** The kinds of source, of which each of a layer's stages takes some. */
export type Source = z.output<
  typeof image | typeof git | typeof folder | typeof rootfs | typeof mmdebstrap | typeof debianPackage
>;

const oneOf = (kinds: string) => `one of ${kinds} is needed`;

export const sourcesSchema = z.strictObject({
  base: z.union([image, rootfs, mmdebstrap], oneOf("{image}, {rootfs, sha256}, {mmdebstrap}")).default({
    image: "debian:13-slim@sha256:020c0d20b9880058cbe785a9db107156c3c75c2ac944a6aa7ab59f2add76a7bd",
  }),
  osArchive: text(/^https?:\/\/\S+$/, "a URL", "https://mirror.example.com/debian").optional(),
  pyenv: z.union([git, folder, debianPackage], oneOf("{git, commit}, {folder}, {debianPackage, …}")).default({
    git: "https://github.com/pyenv/pyenv.git",
    commit: "45180928d34ce5adf21931a494881bbf502ef6bd",
  }),
  pyenvVirtualenv: z.union([git, folder], oneOf("{git, commit}, {folder}")).optional(),
  cpython: z.union([url, debianSource], oneOf("{url}, {debianSource}")).default({
    url: "https://www.python.org/ftp/python/{version}/Python-{version}.tar.xz",
  }),
  pypi: text(/^https?:\/\/\S+$/, "the URL of an index", "https://pypi.example.com/simple").optional(),
  maven: text(/^https?:\/\/\S+$/, "the URL of a repository", "https://maven.example.com/public").optional(),
  application: z.record(z.string(), z.union([git, folder], oneOf("{git, commit}, {folder}"))).default({}),
  ca: word("a PEM file, or a folder with *.crt files", "/usr/local/share/ca-certificates").optional(),
});

/** Where everything from outside comes from. */
export type Sources = z.output<typeof sourcesSchema>;

/** What `npm run up` makes on this machine before the program runs: an OCI layout in .catalog/sources/<key>. */
export interface PreparedSource {
  readonly key: string;
  readonly source:
    | z.output<typeof rootfs>
    | (z.output<typeof mmdebstrap> & { mirror?: string })
    | z.output<typeof debianPackage>
    | { debianSource: string; suite: string; file: string; sha256: string; as: string };
}

/** All sources of a configuration that must be prepared on this machine; none where the internet gives them. */
export function preparedSources(config: {
  readonly sources: Sources;
  readonly pythons: readonly { version: string; sha256: string }[];
}): PreparedSource[] {
  const { base, pyenv, cpython, osArchive } = config.sources;
  const prepared: PreparedSource[] = [];
  if ("mmdebstrap" in base) {
    prepared.push({
      key: preparedKey("base", base),
      source: { ...base, ...(osArchive ? { mirror: osArchive } : {}) },
    });
  }
  if ("rootfs" in base) prepared.push({ key: preparedKey("base", base), source: base });
  if ("debianPackage" in pyenv) prepared.push({ key: preparedKey("pyenv", pyenv), source: pyenv });
  if ("debianSource" in cpython) {
    for (const { version, sha256 } of config.pythons) {
      const package_ = `python${version.split(".").slice(0, 2).join(".")}`;
      prepared.push({
        key: `cpython-${version}`,
        source: {
          debianSource: package_,
          suite: cpython.debianSource,
          file: `${package_}_${version}.orig.tar.xz`,
          sha256,
          as: `Python-${version}.tar.xz`,
        },
      });
    }
  }
  return prepared;
}

/**
 * The location of a source as BuildKit takes it for a named context. Folders are staged, so that only their
 * content counts; what was prepared on this machine is named relative to the project, so that no path of the
 * machine gets into the state.
 * @param name what the source is for: base, pyenv, application …
 * @throws Error where a source should have been prepared and was not.
 */
export function contextOf(name: string, source: Source): string {
  if ("image" in source) return `docker-image://${source.image}`;
  if ("git" in source) return `${source.git}#${source.commit}`;
  if ("folder" in source) return stage(name, [source.folder]);
  return preparedContext(preparedKey(name, source));
}

/** The location of CPython's source archive, where it is not a plain download. */
export function preparedContext(key: string): string {
  const layout = `.catalog/sources/${key}`;
  let index: { manifests: [{ digest: string }] };
  try {
    index = JSON.parse(readFileSync(`${layout}/index.json`, "utf8"));
  } catch {
    throw new Error(`The source ${key} is not prepared on this machine; run \`npm run up\`, which does it.`);
  }
  return `oci-layout://${layout}@${index.manifests[0].digest}`;
}

/** What an image is based on, as people name it, and its digest where that is known. */
export function describeBase(source: Sources["base"]): { name: string; digest: string } {
  if ("image" in source) {
    const [name, digest] = source.image.split("@") as [string, string];
    return { name, digest };
  }
  const name =
    "mmdebstrap" in source ? `mmdebstrap:${source.mmdebstrap}` : (source.rootfs.split("/").at(-1) as string);
  return { name, digest: contextOf("base", source).split("@")[1] as string };
}

function preparedKey(name: string, source: PreparedSource["source"]): string {
  if ("mmdebstrap" in source) return `${name}-${source.mmdebstrap}`;
  return `${name}-${source.sha256.slice(0, 12)}`;
}
