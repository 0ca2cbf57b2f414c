import assert from "node:assert/strict";
import { configOf, docker, inside, type Rule } from "./rule.ts";

/** What Javas must be, and the applications on them. */
export const javas: readonly Rule[] = [
  {
    of: "java",
    what: "runs its Java, by name, by shell and by exec, with its shared archive of classes",
    check: async (subject) => {
      const label = (await configOf(subject)).Labels[`${subject.namespace}.java.version`];
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
      const { Env: env, ExposedPorts: ports } = await configOf(subject);
      assert.ok(env.includes("PORT=5000"), env.join(" "));
      assert.deepEqual(Object.keys(ports ?? {}), ["5000/tcp"]);
      assert.equal(
        await inside(subject, "sh", "-c", "ls; ls .. | grep -v application; true"),
        "application.jar",
      );
    },
  },
];
