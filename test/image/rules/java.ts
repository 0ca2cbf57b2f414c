import assert from "node:assert/strict";
import { docker, inside, labelOf, type Rule, serves } from "./rule.ts";

/** What Javas must be, and the applications on them. */
export const javas: readonly Rule[] = [
  {
    of: "java",
    what: "runs its Java, by name, by shell and by exec, with its shared archive of classes",
    check: async (subject) => {
      const label = await labelOf(subject, "java");
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
      await serves(subject, "PORT=5000");
      assert.equal(
        await inside(subject, "sh", "-c", "ls; ls .. | grep -v application; true"),
        "application.jar",
      );
    },
  },
];
