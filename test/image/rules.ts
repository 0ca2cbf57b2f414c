import assert from "node:assert/strict";
import { run } from "../../ground/tools/exec.ts";

/** An image of the catalog as the engine on this machine has it. */
export interface Subject {
  /** The image's name, such as "python". */
  readonly image: string;
  readonly version: string;
  /** What `docker run` takes. */
  readonly ref: string;
  /** The namespace of its labels. */
  readonly namespace: string;
  /** The images that it is built from, nearest first, and itself before them. */
  readonly line: readonly string[];
}

/** What an image must be; every descendant of `of` must be it too. */
export interface Rule {
  /** The image that it is written for. */
  readonly of: string;
  readonly what: string;
  readonly check: (subject: Subject) => Promise<void>;
}

/** The rules that apply to an image: those of its whole line of descent. */
export const rulesFor = ({ line }: Subject) => rules.filter(({ of }) => of === "*" || line.includes(of));

async function docker(args: readonly string[], input?: string): Promise<string> {
  const result = await run("docker", args, { timeout: 60_000, ...(input === undefined ? {} : { input }) });
  assert.equal(result.code, 0, `docker ${args.join(" ")}\n${result.stderr}`);
  return result.stdout.trim();
}
const inside = ({ ref }: Subject, ...command: string[]) => docker(["run", "--rm", ref, ...command]);
const config = async ({ ref }: Subject) =>
  JSON.parse(await docker(["image", "inspect", "--format", "{{json .Config}}", ref])) as {
    User: string;
    WorkingDir: string;
    Labels: Record<string, string>;
    Env: string[];
    ExposedPorts?: Record<string, object>;
  };

const modules = "ssl, sqlite3, bz2, lzma, zlib, ctypes, readline, hashlib, uuid, decimal";

export const rules: readonly Rule[] = [
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
    check: async (subject) => assert.equal(await inside(subject, "echo", "hi"), "hi"),
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
      const { Labels: labels } = await config(subject);
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
    of: "pyenv",
    what: "has pyenv, a compiler and the two scripts that layers rely on",
    check: async (subject) => {
      assert.match(await inside(subject, "pyenv", "--version"), /^pyenv \d/);
      for (const command of ["cc", "install-python.sh", "install-requirements.sh"]) {
        assert.ok(await inside(subject, "sh", "-c", `command -v ${command}`), command);
      }
    },
  },
  {
    of: "pyenv",
    what: "refuses a version that is not full, in one sentence",
    check: async ({ ref }) => {
      const { code, stderr } = await run("docker", ["run", "--rm", ref, "install-python.sh", "3.13"]);
      assert.notEqual(code, 0);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
      assert.match(stderr, /3\.13\b.*full version/);
    },
  },
  {
    of: "python",
    what: "runs its Python, by name, by shell and by exec, with the modules written in C",
    check: async (subject) => {
      const label = (await config(subject)).Labels[`${subject.namespace}.python.version`];
      const expected = `Python ${label}`;
      assert.equal(await inside(subject, "python", "-V"), expected);
      assert.equal(
        await docker(["run", "--rm", "--interactive", subject.ref, "sh", "-l"], "python -V\n"),
        expected,
      );
      assert.equal(await docker(["run", "--rm", "--entrypoint", "python", subject.ref, "-V"]), expected);
      assert.equal(await inside(subject, "python", "-c", `import ${modules}; print('ok')`), "ok");
      assert.match(await inside(subject, "pip", "--version"), /^pip /);
    },
  },
  {
    of: "flask",
    what: "has Flask, at the version of its label",
    check: async (subject) => {
      const label = (await config(subject)).Labels[`${subject.namespace}.flask.version`];
      const python = "from importlib.metadata import version; import dotenv, flask; print(version('flask'))";
      assert.equal(await inside(subject, "python", "-c", python), label);
    },
  },
  {
    of: "flask-helloworld",
    what: "says which module it serves, and where",
    check: async (subject) => {
      const { Env: env, ExposedPorts: ports } = await config(subject);
      assert.ok(env.includes("FLASK_APP=helloworld.py"), env.join(" "));
      assert.deepEqual(Object.keys(ports ?? {}), ["5000/tcp"]);
    },
  },
  {
    of: "django",
    what: "has Django, at the version of its label",
    check: async (subject) => {
      const label = (await config(subject)).Labels[`${subject.namespace}.django.version`];
      assert.equal(await inside(subject, "python", "-m", "django", "--version"), label);
    },
  },
  {
    of: "django-hello",
    what: "answers on a read-only root file system, and stops when it is told to",
    check: async ({ ref }) => {
      const run = [
        "run",
        "--detach",
        "--rm",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--publish",
        "127.0.0.1::5000",
      ];
      const container = await docker([...run, ref]);
      const address = await docker(["port", container, "5000"]);
      const answer = ["--silent", "--retry", "20", "--retry-all-errors", "--retry-delay", "1"];
      assert.equal(
        await docker(["exec", container, "curl", ...answer, "http://127.0.0.1:5000/"]),
        "Hello, World!",
      );
      assert.equal(await (await fetch(`http://${address}/`)).text(), "Hello, World!");
      const start = Date.now();
      await docker(["stop", container]);
      assert.ok(Date.now() - start < 8000, `${Date.now() - start} ms, so the engine has killed it`);
    },
  },
  {
    of: "ansible",
    what: "reaches a host that it is given, by name of a program or without, and has ssh for others",
    check: async (subject) => {
      const label = (await config(subject)).Labels[`${subject.namespace}.ansible.version`];
      assert.match(await inside(subject, "ansible-playbook", "--version"), new RegExp(`core ${label}`));
      const ping = ["localhost", "--connection", "local", "--module-name", "ping"];
      assert.match(await inside(subject, "ansible", ...ping), /"ping": "pong"/);
      assert.match(await inside(subject, ...ping), /"ping": "pong"/);
      assert.ok(await inside(subject, "sh", "-c", "command -v ssh"));
    },
  },
  {
    of: "tensorflow",
    what: "multiplies matrices",
    check: async (subject) => {
      const python =
        "import tensorflow as tf; print(tf.matmul([[1, 2], [3, 4]], [[5, 6], [7, 8]]).numpy().tolist())";
      assert.equal(await inside(subject, "python", "-c", python), "[[19, 22], [43, 50]]");
    },
  },
  {
    of: "java",
    what: "runs its Java, by name, by shell and by exec, with its shared archive of classes",
    check: async (subject) => {
      const label = (await config(subject)).Labels[`${subject.namespace}.java.version`];
      const expected = new RegExp(`^openjdk ${label}[. -]`);
      assert.match(await inside(subject, "java", "-Xshare:on", "--version"), expected);
      assert.match(
        await docker(["run", "--rm", "--interactive", subject.ref, "sh", "-l"], "java --version\n"),
        expected,
      );
      assert.match(await docker(["run", "--rm", "--entrypoint", "java", subject.ref, "--version"]), expected);
      assert.match(await inside(subject, "sh", "-c", '"$JAVA_HOME/bin/java" --version'), expected);
    },
  },
  {
    of: "java",
    what: "trusts the authorities of the system, and has neither compiler nor Maven",
    check: async (subject) => {
      const list = await inside(subject, "keytool", "-list", "-cacerts", "-storepass", "changeit");
      assert.ok(Number(/contains (\d+) entries/.exec(list)?.[1]) > 100, list.slice(0, 200));
      assert.equal(
        await inside(
          subject,
          "sh",
          "-c",
          'for c in javac mvn; do command -v $c || ls "$JAVA_HOME/bin" | grep -x $c; done; true',
        ),
        "",
      );
    },
  },
  {
    of: "java-helloworld",
    what: "says where it serves, and has nothing of its build",
    check: async (subject) => {
      const { Env: env, ExposedPorts: ports } = await config(subject);
      assert.ok(env.includes("PORT=5000"), env.join(" "));
      assert.deepEqual(Object.keys(ports ?? {}), ["5000/tcp"]);
      assert.equal(
        await inside(subject, "sh", "-c", "ls; ls .. | grep -v application; true"),
        "application.jar",
      );
    },
  },
];
