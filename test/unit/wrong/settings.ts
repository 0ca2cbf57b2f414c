import { all, long, remote, sha, systems, type Wrong } from "./common.ts";

/** Wrong configurations: the registry, the operating system, the Pythons. */
export const wrongSettings: readonly Wrong[] = [
  [
    "a namespace in capitals",
    { namespace: "Catalog" },
    'namespace: found "Catalog"; a lower-case name is needed, for example platform/catalog',
  ],
  [
    "an empty namespace",
    { namespace: "" },
    'namespace: found ""; a lower-case name is needed, for example platform/catalog',
  ],
  [
    "a namespace that is a list",
    { namespace: ["catalog"] },
    'namespace: found ["catalog"]; a lower-case name is needed, for example platform/catalog',
  ],
  [
    "a builder with a space before it",
    { builder: " catalog" },
    'builder: found " catalog"; a name is needed, for example catalog',
  ],
  [
    "a registry that is a text",
    { registry: "localhost:5001" },
    'registry: found "localhost:5001"; {embedded, address, username, image} is needed',
  ],
  [
    "a registry with a scheme",
    { registry: { ...remote, address: "https://registry.example.com" } },
    'registry.address: found "https://registry.example.com"; host or host:port, without a scheme is needed, for example localhost:5001',
  ],
  [
    "an embedded registry elsewhere",
    { registry: { address: "registry.example.com" } },
    'registry.address: found "registry.example.com"; an embedded registry is on this machine\'s loopback, for example localhost:5001 (for another registry set registry.embedded to false)',
  ],
  [
    "a flag that is a text",
    { registry: { embedded: "no" } },
    'registry.embedded: found "no"; true or false is needed',
  ],
  [
    "a misspelled key of the registry",
    { registry: { ...remote, adress: "registry.example.com" } },
    "registry: unknown key adress; did you mean address? (allowed: embedded, address, username, image)",
  ],
  [
    "a password in the registry",
    { registry: { ...remote, registryPassword: "hunter2" } },
    "registry: unknown key registryPassword; the registry's password is the setting registryPassword, which is a secret",
  ],
  [
    "a password that is called otherwise",
    { registry: { ...remote, password: "hunter2" } },
    "registry: unknown key password; the registry's password is the setting registryPassword, which is a secret",
  ],
  [
    "a login in the registry's address",
    { registry: { ...remote, address: "robot:hunter2@registry.example.com" } },
    'registry.address: found "…@registry.example.com"; host or host:port, without a scheme is needed, for example localhost:5001',
  ],
  [
    "an encrypted name",
    { registry: { ...remote, username: { secure: "v1:abc:hunter2" } } },
    "registry.username: found a secret; plain text is needed, as only registryPassword is a secret",
  ],
  [
    "a misspelled label",
    { labels: { licences: "MIT" } },
    "labels: unknown key licences; did you mean licenses? (allowed: source, vendor, licenses)",
  ],
  [
    "a login in a label",
    { labels: { source: "https://robot:hunter2@git.example.com/catalog" } },
    'labels.source: found "https://…@git.example.com/catalog"; a URL without a login is needed, as state and logs would keep it',
  ],
  [
    "an operating system that is misspelled",
    { os: "debain" },
    `os: found "debain"; did you mean debian? (allowed: ${systems})`,
  ],
  [
    "an operating system that is not there",
    { os: "windows" },
    `os: found "windows"; one of ${systems} is needed`,
  ],
  [
    "a value that is too long to show",
    { os: long },
    `os: found "${long.slice(0, 98)}…; one of ${systems} is needed`,
  ],
  [
    "an operating system's version with a space",
    { osVersion: "13 slim" },
    'osVersion: found "13 slim"; a version is needed, for example 13',
  ],
  [
    "packages as one text",
    { osPackages: "curl wget" },
    'osPackages: found "curl wget"; a list of package names is needed',
  ],
  [
    "a package that is an option",
    { osPackages: ["curl", "--allow-downgrades"] },
    'osPackages[1]: found "--allow-downgrades"; a package name is needed, for example curl',
  ],
  [
    "a pyenv without patch version",
    { pyenv: "2.7" },
    'pyenv: found "2.7"; a full version is needed, for example 3.13.5',
  ],
  [
    "a pyenv-virtualenv that is nothing",
    { pyenvVirtualenv: null },
    "pyenvVirtualenv: found null; a full version is needed, for example 3.13.5",
  ],
  [
    "a Python without patch version",
    { pythons: [{ version: 3.13, sha256: sha }] },
    "pythons[0].version: found 3.13; a full version is needed, for example 3.13.5",
  ],
  [
    "a Python without checksum",
    { pythons: [{ version: "3.13.5" }] },
    "pythons[0].sha256: missing; a sha256 in 64 hexadecimal digits is needed, for example 93e583f2…",
  ],
  [
    "a Python with a short checksum",
    { pythons: [{ version: "3.13.5", sha256: "93e583f2" }] },
    'pythons[0].sha256: found "93e583f2"; a sha256 in 64 hexadecimal digits is needed, for example 93e583f2…',
  ],
  [
    "a Python that is only a version",
    { pythons: ["3.13.5"] },
    'pythons[0]: found "3.13.5"; {version, sha256} is needed',
  ],
  ["no Python", { pythons: [] }, "pythons: found []; at least one Python is needed"],
  [
    "Pythons that are no list",
    { pythons: { version: "3.13.5" } },
    'pythons: found {"version":"3.13.5"}; a list of {version, sha256} is needed',
  ],
  [
    "two Pythons of a series",
    { pythons: ["3.13.5", "3.13.6"].map((version) => ({ version, sha256: sha })) },
    "pythons: 3.13 is there twice; one version of each series is allowed",
  ],
  ["an unknown setting", { pythonz: [] }, `unknown key pythonz; did you mean pythons? (allowed: ${all})`],
];
