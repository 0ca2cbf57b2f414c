import { machineArchitecture } from "../../../components/platforms.ts";
import { all, commit, git, long, onPyenv, onSystem, remote, sha, systems, type Wrong } from "./common.ts";

const own = `linux/${machineArchitecture()}`;
const elsewhere = {
  name: "ci",
  endpoint: "tcp://buildkit.example.com:1234",
  ca: "ca.pem",
  cert: "cert.pem",
  key: "key.pem",
};
const { name: _, ...node } = elsewhere;
const onNodes = (...changes: object[]) => ({
  builder: { name: "farm", nodes: changes.map((change) => ({ ...node, ...change })) },
});
const onRemote = (change: object) => ({ builder: { ...elsewhere, ...change }, registry: remote });

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
    "a builder that is a list",
    { builder: ["catalog"] },
    'builder: found ["catalog"]; a name, {name, endpoint, ca, cert, key} or {name, nodes} is needed',
  ],
  [
    "a builder elsewhere without certificates",
    { builder: { name: "ci", endpoint: "tcp://buildkit.example.com:1234" } },
    ...["ca", "cert", "key"].map(
      (key) => `builder.${key}: missing; a file is needed, for example /etc/buildkit/${key}.pem`,
    ),
  ],
  [
    "a builder elsewhere at a web address",
    onRemote({ endpoint: "https://buildkit.example.com" }),
    'builder.endpoint: found "https://buildkit.example.com"; tcp://host:port is needed, for example tcp://buildkit.example.com:1234',
  ],
  [
    "a misspelled key of a builder elsewhere",
    onRemote({ servername: "buildkit" }),
    "builder: unknown key servername; did you mean serverName? (allowed: name, endpoint, ca, cert, key, serverName)",
  ],
  [
    "a private key that is a secret",
    onRemote({ key: { secure: "v1:abc:hunter2" } }),
    "builder.key: found a secret; plain text is needed, as only registryPassword is a secret",
  ],
  [
    "a certificate's file with a comma",
    onRemote({ cert: "a,b.pem" }),
    'builder.cert: found "a,b.pem"; a file is needed, for example /etc/buildkit/cert.pem',
  ],
  [
    "a builder elsewhere with an embedded registry",
    { builder: elsewhere },
    'builder.endpoint: found "tcp://buildkit.example.com:1234"; a builder elsewhere does not reach an embedded registry, which is on this machine\'s loopback (for another registry set registry.embedded to false)',
  ],
  [
    "a builder without nodes",
    { builder: { name: "farm", nodes: [] }, registry: remote },
    "builder.nodes: found []; at least one node is needed",
  ],
  [
    "a node without platforms, and one with an unknown one",
    { ...onNodes({}, { platforms: ["arm64"] }), registry: remote },
    "builder.nodes[0].platforms: missing; a list of platforms is needed",
    'builder.nodes[1].platforms[0]: found "arm64"; one of linux/386, linux/amd64, linux/arm, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x is needed',
  ],
  [
    "nodes elsewhere with an embedded registry",
    onNodes({ platforms: ["linux/amd64"] }),
    'builder.nodes[0].endpoint: found "tcp://buildkit.example.com:1234"; a builder elsewhere does not reach an embedded registry, which is on this machine\'s loopback (for another registry set registry.embedded to false)',
  ],
  [
    "two nodes for one platform",
    {
      ...onNodes({ platforms: ["linux/amd64"] }, { platforms: ["linux/386", "linux/amd64"] }),
      registry: remote,
    },
    "builder.nodes: linux/amd64 is there twice; keep one",
  ],
  [
    "a platform that no node has",
    { ...onNodes({ platforms: ["linux/amd64"] }), registry: remote, platforms: ["linux/amd64", "linux/arm"] },
    'platforms[1]: found "linux/arm"; no node of builder.nodes builds for it',
  ],
  [
    "a platform that nobody has",
    { registry: remote, platforms: ["linux/amd46"] },
    'platforms[0]: found "linux/amd46"; did you mean linux/amd64? (allowed: linux/386, linux/amd64, linux/arm, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x)',
  ],
  [
    "one platform instead of a list",
    { registry: remote, platforms: "linux/arm64" },
    'platforms: found "linux/arm64"; a list of platforms is needed',
  ],
  [
    "a platform twice",
    { registry: remote, platforms: ["linux/arm64", "linux/arm64"] },
    "platforms: linux/arm64 is there twice; keep one",
  ],
  [
    "platforms with an embedded registry",
    { platforms: ["linux/arm64"] },
    'platforms: found ["linux/arm64"]; an index of platforms is pushed to a registry with TLS, so registry.embedded: false and its address are needed',
  ],
  [
    "a root file system for other platforms than this machine's",
    { ...onSystem({}), registry: remote, platforms: ["linux/s390x", "linux/riscv64", own] },
    `systems[0].base: found {"mmdebstrap":"trixie"}; a root file system that this machine prepares is for ${own} alone, so for linux/s390x, linux/riscv64 an {image} is needed`,
  ],
  [
    "a build cache of an unknown mode",
    { cache: "all" },
    'cache: found "all"; none, min or max is needed, for example max',
  ],
  [
    "a build cache that is a flag",
    { cache: true },
    "cache: found true; none, min or max is needed, for example max",
  ],
  [
    "too many images at once",
    { parallel: 257 },
    "parallel: found 257; a whole number from 0 to 256 is needed, for example 4",
  ],
  [
    "half an image at once",
    { parallel: 0.5 },
    "parallel: found 0.5; a whole number from 0 to 256 is needed, for example 4",
  ],
  [
    "a registry that is a text",
    { registry: "localhost:5001" },
    'registry: found "localhost:5001"; {embedded, address, username, ca, image, overwrite} is needed',
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
  ["a protection that is a text", { protect: "yes" }, 'protect: found "yes"; true or false is needed'],
  [
    "a misspelled key of the registry",
    { registry: { ...remote, adress: "registry.example.com" } },
    "registry: unknown key adress; did you mean address? (allowed: embedded, address, username, ca, image, overwrite)",
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
    onSystem({ name: "debain" }),
    `systems[0].name: found "debain"; did you mean debian? (allowed: ${systems})`,
  ],
  [
    "an operating system that is not there",
    onSystem({ name: "windows" }),
    `systems[0].name: found "windows"; one of ${systems} is needed`,
  ],
  [
    "a value that is too long to show",
    onSystem({ name: long }),
    `systems[0].name: found "${long.slice(0, 98)}…; one of ${systems} is needed`,
  ],
  [
    "an operating system's version with a space",
    onSystem({ version: "13 slim" }),
    'systems[0].version: found "13 slim"; a version is needed, for example 13',
  ],
  [
    "packages as one text",
    onSystem({ packages: "curl wget" }),
    'systems[0].packages: found "curl wget"; a list of package names is needed',
  ],
  [
    "a package that is an option",
    onSystem({ packages: ["curl", "--allow-downgrades"] }),
    'systems[0].packages[1]: found "--allow-downgrades"; a package name is needed, for example curl',
  ],
  [
    "a pyenv without patch version",
    onPyenv({ version: "2.7" }),
    'pyenvs[0].version: found "2.7"; a full version is needed, for example 3.13.5',
  ],
  [
    "a pyenv-virtualenv that is nothing",
    onPyenv({ virtualenv: null }),
    "pyenvs[0].virtualenv: found null; {version, source} is needed",
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
    'pythons[0]: found "3.13.5"; {version, revision, sha256, source, optimize, on} is needed',
  ],
  [
    "a variant that is none",
    { variant: "thin" },
    'variant: found "thin"; slim or full is needed, for example full',
  ],
  [
    "a slim Python where all stands on the full one",
    {
      variant: "full",
      frameworks: [{ name: "flask", version: "3.1.3", on: ["python-3.13-slim"] }],
      applications: [],
    },
    'frameworks[0].on[0]: found "python-3.13-slim"; one of python, python-3.13, pyenv, pyenv-2.7, debian, debian-13 is needed',
  ],
  [
    "no Python for a framework",
    { pythons: [], applications: [] },
    'frameworks[0]: found {"name":"flask","version":"3.1.3"}; nothing of the stack is left to build it on',
  ],
  [
    "a framework on a Python that is misspelled",
    { frameworks: [{ name: "flask", version: "3.1.3", on: ["pyton-3.13"] }], applications: [] },
    'frameworks[0].on[0]: found "pyton-3.13"; did you mean python-3.13? (allowed: python, python-3.13, pyenv, pyenv-2.7, debian, debian-13)',
  ],
  [
    "a Python on what is built on it",
    { pythons: [{ version: "3.13.5", sha256: sha, on: ["flask"] }], frameworks: [], applications: [] },
    'pythons[0].on[0]: found "flask"; one of pyenv, pyenv-2.7, debian, debian-13 is needed',
  ],
  [
    "a Python on nothing",
    { pythons: [{ version: "3.13.5", sha256: sha, on: [] }] },
    "pythons[0].on: found []; at least one layer is needed",
  ],
  [
    "an operating system twice",
    { systems: [1, 2].map(() => ({ name: "debian", version: "13", base: { mmdebstrap: "trixie" } })) },
    "systems: debian 13 is there twice; one version of each series is allowed",
  ],
  ["no operating system", { systems: [] }, "systems: found []; at least one operating system is needed"],
  [
    "two pyenvs of a series",
    { pyenvs: ["2.7.1", "2.7.0"].map((version) => ({ version, source: { git, commit } })) },
    "pyenvs: 2.7 is there twice; one version of each series is allowed",
  ],
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
