import { statSync } from "node:fs";
import { z } from "zod";
import { sha256, text, url, word } from "./wording.ts";

const suite = text(/^[a-z]+$/, "a suite of Debian", "trixie").describe("The suite of Debian.");
/** A URL for HTTP. */
export const webUrl = (needed: string, example: string) => url(/^https?:\/\/\S+$/i, needed, example);

const image = z
  .strictObject({
    image: text(
      /^[\w.-]+(:\d+)?(\/[\w.-]+)*(:[\w.-]+)?@sha256:[0-9a-f]{64}$/,
      "an image with its digest",
      "debian:13-slim@sha256:…",
    ).describe(
      "The image. Its tag is followed: what it has now is built on, and the digest where the registry does not answer. " +
        "Without a tag, the digest is built on.",
    ),
  })
  .describe("An image pinned by digest.");

const git = z
  .strictObject({
    git: url(/^(https?|ssh|git):\/\/\S+$/, "a git URL", "https://git.example.com/app.git").describe(
      "The repository.",
    ),
    commit: text(/^[0-9a-f]{40}$/, "a full commit", "23b3fc85d407f8c68c95efd8a29dd053467708c5").describe(
      "The commit.",
    ),
  })
  .describe("A git repository at one commit.");

const folder = z
  .strictObject({
    folder: word("a folder", "../microblog")
      .refine(
        (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory(),
        "a folder that exists is needed",
      )
      .describe("Its path, relative to the project."),
  })
  .describe("A folder of this machine.");

const rootfs = z
  .strictObject({
    rootfs: url(/^\S(.*\S)?$/, "a path or URL", "alpine-minirootfs-3.20.3-x86_64.tar.gz").describe(
      "The archive, .tar or .tar.gz.",
    ),
    sha256: sha256.describe("Its checksum."),
  })
  .describe("A root file system as an archive.");

const mmdebstrap = z
  .strictObject({ mmdebstrap: suite })
  .describe("A root file system made by mmdebstrap from Debian's signed archive.");

const debianPackages = z
  .strictObject({
    debianPackages: z
      .array(
        z.strictObject({
          name: word("a package name", "pyenv").describe("The package."),
          version: word("the package's version", "2.5.4-1").describe("Its version."),
          sha256: sha256.describe("Its checksum."),
        }),
        "a list of {name, version, sha256} is needed",
      )
      .min(1, "at least one package is needed")
      .describe("The packages, one over the other."),
    suite,
    path: text(/^[^/]\S*$/, "a path in the packages, without leading slash", "usr/share/pyenv").describe(
      "The folder in them.",
    ),
  })
  .describe("A folder of Debian packages.");

const archiveUrl = z
  .strictObject({
    url: url(
      /^https?:\/\/\S*\{version\}\S*$/,
      "a URL with {version}",
      "https://mirror.example.com/Python-{version}.tar.xz",
    ).describe("The archive's URL, {version} standing for the version."),
  })
  .describe("Source archives by URL.");

const debianSource = z
  .strictObject({ debianSource: suite })
  .describe("Source archives as Debian's source packages hold them.");

/** The kinds of source, of which each of a layer's stages takes some. */
export type Rootfs = z.output<typeof rootfs>;
export type Mmdebstrap = z.output<typeof mmdebstrap>;
export type DebianPackages = z.output<typeof debianPackages>;
export type Source = z.output<typeof git | typeof folder> | Rootfs | Mmdebstrap | DebianPackages;

const oneOf = (kinds: string) => `one of ${kinds} is needed`;

/** A git repository or a folder. */
export const gitOrFolder = z.union([git, folder], oneOf("{git, commit}, {folder}"));

/** What an operating system layer is built on. */
export const baseSource = z.union(
  [image, rootfs, mmdebstrap],
  oneOf("{image}, {rootfs, sha256}, {mmdebstrap}"),
);

/** Where pyenv comes from. */
export const pyenvSource = z.union(
  [git, folder, debianPackages],
  oneOf("{git, commit}, {folder}, {debianPackages, …}"),
);

/** Where a CPython comes from. */
export const cpythonSource = z.union([archiveUrl, debianSource], oneOf("{url}, {debianSource}"));

export const sourcesSchema = z.strictObject({
  cpython: cpythonSource
    .default({ url: "https://www.python.org/ftp/python/{version}/Python-{version}.tar.xz" })
    .describe("Where CPython's source archives come from."),
  pypi: webUrl("the URL of an index", "https://pypi.example.com/simple")
    .optional()
    .describe("The index of Python packages; without it, pip's own."),
  maven: webUrl("the URL of a repository", "https://maven.example.com/public")
    .optional()
    .describe("A mirror of Maven's repository; without it, Maven Central."),
  application: z
    .record(z.string(), gitOrFolder)
    .default({})
    .describe(
      "Where an application comes from, by its name; without it, the folder app beside its Dockerfile.",
    ),
  ca: word("a PEM file, or a folder with *.crt files", "/usr/local/share/ca-certificates")
    .optional()
    .describe("The company's CA certificates; steps of a build get them as a secret, no layer keeps them."),
});

/** Where comes from what no list of the configuration pins. */
export type Sources = z.output<typeof sourcesSchema>;
/** What an operating system layer is built on. */
export type BaseSource = z.output<typeof baseSource>;
