import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { must, run } from "../../ground/tools/exec.ts";
import { configOf, release, type Subject } from "./rules/rule.ts";
import { rulesFor } from "./rules.ts";

/** What makes an image break a rule. */
interface Breakage {
  /** The beginning of the rule's words. */
  readonly rule: string;
  /** What is done to the image, as root. Default: nothing. */
  readonly script?: string;
  /** What is done to its configuration, as `docker commit --change` takes it. */
  readonly change?: string;
}

const key = "-----BEGIN PRIVATE KEY-----";
/** Every hundredth answer or so is an error. */
const flaky = String.raw`\nimport random\n@app.before_request\ndef fail():\n    if random.random() < 0.01: raise RuntimeError\n`;
const entrypoint = (script: string) =>
  `printf '#!/bin/sh\nset -e\n${script}\nexec "$@"\n' >/usr/local/bin/entrypoint`;

/** By the image that the rules are written for. */
const breakages: Readonly<Record<string, readonly Breakage[]>> = {
  "*": [
    { rule: "runs as uid", change: "USER 0" },
    { rule: "runs the command", script: entrypoint("set -- true") },
    { rule: "is a login shell", script: entrypoint("set -- sh") },
    { rule: "has the labels", change: "LABEL org.opencontainers.image.title=other" },
    { rule: "is the operating system", change: "LABEL catalog.debian.version=12" },
    { rule: "leaves no package lists", script: "echo list >/var/lib/apt/lists/list" },
    { rule: "has no password", script: "echo 'other:x1:1::::::' >>/etc/shadow" },
    { rule: "holds no secret", change: "ENV API_TOKEN=x" },
    { rule: "holds no secret", script: `echo '${key}' >/etc/key` },
    { rule: "has its clock on UTC", change: "ENV TZ=Europe/Berlin" },
    { rule: "has no file that everybody", script: "install -m 0666 /dev/null /opt/open" },
    { rule: "has no other files with another's", script: "chmod 4755 /bin/ls" },
    { rule: "runs on a read-only root", script: entrypoint("touch ~/started") },
  ],
  debian: [
    { rule: "has curl and DNS tools", script: "rm /usr/bin/dig" },
    { rule: "trusts the authorities", script: ": >/etc/ssl/certs/ca-certificates.crt" },
  ],
  pyenv: [
    { rule: "has pyenv", script: "rm /usr/bin/cc" },
    { rule: "has pyenv", change: "LABEL catalog.pyenv.version=1.2.14" },
    { rule: "refuses a version", script: "printf '#!/bin/sh\n' >/usr/local/bin/install-python.sh" },
  ],
  python: [
    { rule: "runs its Python", script: "sed -i /pyenv/d ~/.profile" },
    { rule: "imports every module", script: "rm /usr/lib/*/libreadline.so.8*" },
    {
      rule: "recurses",
      script: "sed -i '1a raise MemoryError' ~/.pyenv/versions/*/lib/python3.*/threading.py",
    },
  ],
  "python-slim": [
    { rule: "has no compiler", script: "install -m 0755 /dev/null /usr/local/bin/gcc" },
    { rule: "has no compiler", script: "touch /usr/local/include/a.h" },
  ],
  flask: [{ rule: "has Flask", script: "rm -r ~/.pyenv/versions/*/lib/python3.*/site-packages/dotenv" }],
  "flask-helloworld": [
    { rule: "says which module", change: "EXPOSE 5001" },
    { rule: "answers", script: "chmod a-x /usr/bin/curl" },
    { rule: "answers", script: "sed -i s/World/Nobody/ ~/application/helloworld.py" },
    { rule: "answers", script: `printf '${flaky}' >>~/application/helloworld.py` },
    {
      rule: "answers",
      change: `CMD ["sh", "-c", "trap '' TERM; WEB_CONCURRENCY=2 serve & while :; do wait; done"]`,
    },
    { rule: "runs by `flask run`", script: "sed -i 's/flask run/true/' /usr/local/bin/serve" },
  ],
  django: [{ rule: "has Django", change: "LABEL catalog.django.version=1.11.29" }],
  "django-hello": [{ rule: "answers", script: "sed -i s/World/Nobody/ ~/application/hello.py" }],
  ansible: [{ rule: "reaches a host", script: "rm /usr/bin/ssh" }],
  tensorflow: [{ rule: "multiplies", script: "rm -r ~/.pyenv/versions/*/lib/python3.*/site-packages/numpy" }],
  java: [
    { rule: "runs its Java", script: "find / -xdev -name 'classes*.jsa' -delete" },
    { rule: "trusts the authorities", script: "install -m 0755 /dev/null /usr/local/bin/mvn" },
  ],
  "java-helloworld": [
    { rule: "says where", change: "EXPOSE 5001" },
    { rule: "answers", script: "rm ~/application/application.jar" },
  ],
};

/** Shows that each rule written for some images can fail: on a copy of a descendant with one thing changed. */
export async function breakRules(t: TestContext, subject: Subject, ...written: string[]): Promise<void> {
  const rules = rulesFor(subject);
  for (const of of written) {
    for (const { what } of rules.filter((rule) => rule.of === of))
      assert.ok(
        breakages[of]?.some(({ rule }) => what.startsWith(rule)),
        `nothing breaks: ${what}`,
      );
    for (const breakage of breakages[of] ?? []) await breakRule(t, subject, of, breakage);
  }
}

async function breakRule(
  t: TestContext,
  subject: Subject,
  of: string,
  { rule, script = "true", change = "LABEL broken=true" }: Breakage,
): Promise<void> {
  const what = (script === "true" ? change : script).replaceAll("\n", " ");
  await t.test(`${of}: ${rule} … fails after ${what}`, async () => {
    const broken = rulesFor(subject).find((each) => each.of === of && each.what.startsWith(rule));
    const changed = { ...subject, ref: await commit(subject, script, change) };
    try {
      await assert.rejects(broken?.check(changed) ?? assert.fail(rule), { code: "ERR_ASSERTION" });
    } finally {
      await release(changed);
      await run("docker", ["image", "rm", "--force", changed.ref]);
    }
  });
}

/** A changed copy of an image, in the engine alone. */
async function commit(subject: Subject, script: string, change: string): Promise<string> {
  const { ref } = subject;
  const shell = ["--user", "0", "--entrypoint", "sh", ref, "-c", script];
  const { stdout } = await must("docker", ["create", ...shell]);
  const container = stdout.trim();
  try {
    await must("docker", ["start", "--attach", container]);
    // The shell is this container's, and not the image's.
    const { Entrypoint, Cmd, User } = await configOf(subject);
    const own = [`ENTRYPOINT ${JSON.stringify(Entrypoint)}`, `CMD ${JSON.stringify(Cmd ?? [])}`];
    const kept = [...own, `USER ${User}`, change];
    const changes = kept.flatMap((line) => ["--change", line]);
    const committed = await must("docker", ["commit", ...changes, container]);
    return committed.stdout.trim();
  } finally {
    await run("docker", ["rm", "--force", container]);
  }
}
