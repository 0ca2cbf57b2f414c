import { commit, git, onPyenv, onSystem, sha, source, sources, type Wrong } from "./common.ts";

/** Wrong configurations: where things come from. */
export const wrongSources: readonly Wrong[] = [
  [
    "a misspelled source",
    source({ pipy: "https://pypi.example.com/simple" }),
    `sources: unknown key pipy; did you mean pypi? (allowed: ${sources})`,
  ],
  [
    "a source of no name that is near",
    source({ containers: "https://example.com" }),
    `sources: unknown key containers; allowed: ${sources}`,
  ],
  [
    "a base by tag only",
    onSystem({ base: { image: "debian:13-slim" } }),
    'systems[0].base.image: found "debian:13-slim"; an image with its digest is needed, for example debian:13-slim@sha256:…',
  ],
  [
    "a base of a misspelled kind",
    onSystem({ base: { imgae: `debian:13-slim@sha256:${sha}` } }),
    "systems[0].base: unknown key imgae; did you mean image? (one of {image}, {rootfs, sha256}, {mmdebstrap} is needed)",
  ],
  [
    "a base of an unknown kind",
    onSystem({ base: { iso: "debian.iso" } }),
    'systems[0].base: found {"iso":"debian.iso"}; one of {image}, {rootfs, sha256}, {mmdebstrap} is needed',
  ],
  [
    "a base that is a text",
    onSystem({ base: "debian:13-slim" }),
    'systems[0].base: found "debian:13-slim"; one of {image}, {rootfs, sha256}, {mmdebstrap} is needed',
  ],
  [
    "a root file system without checksum",
    onSystem({ base: { rootfs: "rootfs.tar.gz" } }),
    "systems[0].base.sha256: missing; a sha256 in 64 hexadecimal digits is needed, for example 93e583f2…",
  ],
  [
    "a suite in capitals",
    onSystem({ base: { mmdebstrap: "Trixie" } }),
    'systems[0].base.mmdebstrap: found "Trixie"; a suite of Debian is needed, for example trixie',
  ],
  [
    "a mirror that is no URL",
    onSystem({ archive: "mirror.example.com/debian" }),
    'systems[0].archive: found "mirror.example.com/debian"; a URL is needed, for example https://mirror.example.com/debian',
  ],
  [
    "a short commit",
    onPyenv({ source: { git, commit: "4518092" } }),
    'pyenvs[0].source.commit: found "4518092"; a full commit is needed, for example 23b3fc85d407f8c68c95efd8a29dd053467708c5',
  ],
  [
    "no commit",
    onPyenv({ source: { git } }),
    "pyenvs[0].source.commit: missing; a full commit is needed, for example 23b3fc85d407f8c68c95efd8a29dd053467708c5",
  ],
  [
    "a branch instead of a commit",
    onPyenv({ source: { git, branch: "main" } }),
    "pyenvs[0].source.commit: missing; a full commit is needed, for example 23b3fc85d407f8c68c95efd8a29dd053467708c5",
    "pyenvs[0].source: unknown key branch; allowed: git, commit",
  ],
  [
    "a source of two kinds",
    onPyenv({ source: { git, commit, folder: "images" } }),
    "pyenvs[0].source: unknown key folder; allowed: git, commit",
  ],
  [
    "a Debian package without its rest",
    onPyenv({ source: { debianPackages: [{ name: "pyenv" }], suite: "trixie" } }),
    "pyenvs[0].source.debianPackages[0].version: missing; the package's version is needed, for example 2.5.4-1",
    "pyenvs[0].source.debianPackages[0].sha256: missing; a sha256 in 64 hexadecimal digits is needed, for example 93e583f2…",
    "pyenvs[0].source.path: missing; a path in the packages, without leading slash is needed, for example usr/share/pyenv",
  ],
  [
    "a login in a git URL",
    onPyenv({ source: { git: "https://robot:hunter2@git.example.com/a.git", commit } }),
    'pyenvs[0].source.git: found "https://…@git.example.com/a.git"; a URL without a login is needed, as state and logs would keep it',
  ],
  [
    "a token in a git URL",
    onPyenv({ source: { git: "https://hunter2@git.example.com/a.git", commit } }),
    'pyenvs[0].source.git: found "https://…@git.example.com/a.git"; a URL without a login is needed, as state and logs would keep it',
  ],
  [
    "a password in an SSH URL",
    onPyenv({ source: { git: "ssh://git:hunter2@git.example.com/a.git", commit } }),
    'pyenvs[0].source.git: found "ssh://…@git.example.com/a.git"; a URL without a login is needed, as state and logs would keep it',
  ],
  [
    "a git address without scheme",
    onPyenv({ virtualenv: { version: "1.2.6", source: { git: "git@git.example.com:a.git", commit } } }),
    'pyenvs[0].virtualenv.source.git: found "git@git.example.com:a.git"; a git URL is needed, for example https://git.example.com/app.git',
  ],
  [
    "CPython at one URL for all versions",
    source({ cpython: { url: "https://example.com/Python-3.13.5.tar.xz" } }),
    'sources.cpython.url: found "https://example.com/Python-3.13.5.tar.xz"; a URL with {version} is needed, for example https://mirror.example.com/Python-{version}.tar.xz',
  ],
  [
    "a login in the index",
    source({ pypi: "https://robot:hunter2@pypi.example.com/simple" }),
    'sources.pypi: found "https://…@pypi.example.com/simple"; a URL without a login is needed, as state and logs would keep it',
  ],
  [
    "a password with a slash in it",
    source({ pypi: "https://robot:hunter2/hunter2@pypi.example.com/simple" }),
    'sources.pypi: found "https://…@pypi.example.com/simple"; the URL of an index is needed, for example https://pypi.example.com/simple',
  ],
  [
    "a login in Maven's mirror",
    source({ maven: "https://robot:hunter2@maven.example.com/public" }),
    'sources.maven: found "https://…@maven.example.com/public"; a URL without a login is needed, as state and logs would keep it',
  ],
  [
    "a source of an application that is not there",
    source({ application: { "flask-helowrld": { git, commit } } }),
    'sources.application: found "flask-helowrld"; did you mean flask-helloworld? (allowed: flask-helloworld)',
  ],
  [
    "a folder that is not there",
    source({ application: { "flask-helloworld": { folder: "../nowhere" } } }),
    'sources.application.flask-helloworld.folder: found "../nowhere"; a folder that exists is needed',
  ],
  [
    "a file for a folder",
    source({ application: { "flask-helloworld": { folder: "package.json" } } }),
    'sources.application.flask-helloworld.folder: found "package.json"; a folder that exists is needed',
  ],
  [
    "certificates that are a list",
    source({ ca: ["/usr/local/share/ca-certificates"] }),
    'sources.ca: found ["/usr/local/share/ca-certificates"]; a PEM file, or a folder with *.crt files is needed, for example /usr/local/share/ca-certificates',
  ],
];
