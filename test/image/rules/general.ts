import assert from "node:assert/strict";
import { asRoot, configOf, docker, hardened, inside, type Rule, started } from "./rule.ts";

/** The files that run with another's rights: those that come with Debian, Alpine and ssh. */
const SETUID = [
  ...[
    "chage",
    "chfn",
    "chsh",
    "expiry",
    "gpasswd",
    "mount",
    "newgrp",
    "passwd",
    "ssh-agent",
    "su",
    "umount",
  ].map((name) => `/usr/bin/${name}`),
  ...["/bin/bbsuid", "/usr/lib/openssh/ssh-keysign", "/usr/sbin/unix_chkpwd"],
];
/** A password, a token or a key with its value. */
const SECRET =
  /(pass(word|wd|phrase)?|token|api_?key)=\S|-----BEGIN [A-Z ]*PRIVATE KEY|:\/\/[^/\s:]+:[^/\s@]+@/i;

/** What every image must be, and what only an operating system knows. */
export const general: readonly Rule[] = [
  {
    of: "*",
    what: "runs as uid and gid 1000, at home",
    check: async (subject) => {
      assert.equal(await inside(subject, "sh", "-c", "id -u; id -g"), "1000\n1000");
      assert.equal(await inside(subject, "sh", "-c", 'case "$PWD" in "$HOME"*) echo home;; esac'), "home");
    },
  },
  {
    of: "*",
    what: "runs the command that it is given",
    check: async (subject) => assert.equal(await started(subject, "echo", "hi"), "hi"),
  },
  {
    of: "*",
    what: "is a login shell without a command",
    check: async ({ ref }) => {
      const shell = await docker(
        ["run", "--rm", "--interactive", "--entrypoint", "/usr/local/bin/entrypoint", ref],
        "tr '\\0' ' ' < /proc/$$/cmdline\n",
      );
      assert.match(shell, /sh -l$|^-\w*sh$/);
    },
  },
  {
    of: "*",
    what: "has the labels of the catalog and of OCI",
    check: async (subject) => {
      const { Labels: labels } = await configOf(subject);
      const { image, version, namespace } = subject;
      assert.equal(labels["org.opencontainers.image.title"], image);
      assert.equal(labels["org.opencontainers.image.version"], version);
      assert.equal(labels[`${namespace}.${image}.version`], version);
      assert.match(labels["org.opencontainers.image.base.digest"] ?? "", /^sha256:[0-9a-f]{64}$/);
      for (const key of ["source", "vendor", "licenses", "base.name"]) {
        assert.ok(labels[`org.opencontainers.image.${key}`], key);
      }
      for (const key of ["repository.url", "repository.tag"]) assert.ok(labels[`${namespace}.${key}`], key);
    },
  },
  {
    of: "*",
    what: "is the operating system that its labels say",
    check: async (subject) => {
      const { Labels: labels } = await configOf(subject);
      const release = await inside(subject, "sh", "-c", '. /etc/os-release && echo "$ID $VERSION_ID"');
      const [name = "", version] = release.split(" ");
      assert.equal(labels[`${subject.namespace}.${name}.version`], version);
    },
  },
  {
    of: "*",
    what: "leaves no package lists, caches or temporary files in its layers",
    check: async (subject) => {
      const places = "/tmp /var/tmp /var/cache/apt/archives /var/lib/apt/lists /var/cache/apk ~/.cache";
      const find = `for p in ${places}; do [ ! -d $p ] || find $p -type f -size +0 -not -name lock; done`;
      assert.equal(await inside(subject, "sh", "-c", find), "");
    },
  },
  {
    of: "debian",
    what: "has curl and DNS tools",
    check: async (subject) => {
      assert.match(await inside(subject, "curl", "--version"), /^curl /);
      assert.match(await inside(subject, "sh", "-c", "dig -v 2>&1"), /^DiG /);
    },
  },
  {
    of: "*",
    what: "has no password",
    check: async (subject) => {
      assert.equal(await asRoot(subject, "awk -F: '$2 !~ /^[!*]/' /etc/shadow"), "");
    },
  },
  {
    of: "*",
    what: "holds no secret, in its configuration, its history or its files",
    check: async (subject) => {
      const { Env: env } = await configOf(subject);
      const history = await docker(["history", "--no-trunc", "--format", "{{.CreatedBy}}", subject.ref]);
      for (const line of [...env, ...history.split("\n")]) assert.doesNotMatch(line, SECRET);
      const keys =
        "grep -rlsE -e '-----BEGIN [A-Z ]*PRIVATE KEY-----$' /etc /home /opt /root /usr/local /var || true";
      assert.equal(await asRoot(subject, keys), "");
      assert.equal(await asRoot(subject, "ls -A /run/secrets 2>/dev/null || true"), "");
    },
  },
  {
    of: "*",
    what: "has its clock on UTC",
    check: async (subject) => assert.equal(await inside(subject, "date", "+%Z"), "UTC"),
  },
  {
    of: "*",
    what: "has no file that everybody may write to",
    check: async (subject) => {
      const find = "find / -xdev -perm -0002 ! -type l ! -perm -1000";
      assert.equal(await asRoot(subject, find), "");
    },
  },
  {
    of: "*",
    what: "has no other files with another's rights than the few that are known",
    check: async (subject) => {
      const found = await asRoot(subject, "find / -xdev -type f '(' -perm -4000 -o -perm -2000 ')'");
      const unknown = found.split("\n").filter((file) => file !== "" && !SETUID.includes(file));
      assert.deepEqual(unknown, []);
    },
  },
  {
    of: "*",
    what: "runs on a read-only root file system and without rights",
    check: async ({ ref }) =>
      assert.equal(await docker(["run", "--rm", ...hardened, ref, "echo", "hi"]), "hi"),
  },
  {
    of: "debian",
    what: "trusts the authorities of the system",
    check: async (subject) => {
      const file = "/etc/ssl/certs/ca-certificates.crt";
      assert.ok(Number(await inside(subject, "grep", "-c", "BEGIN CERTIFICATE", file)) > 100);
    },
  },
];
