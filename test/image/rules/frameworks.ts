import assert from "node:assert/strict";
import { inside, labelOf, type Rule, serves, started } from "./rule.ts";

/** What frameworks must be, and the applications on them. */
export const frameworks: readonly Rule[] = [
  {
    of: "flask",
    what: "has Flask, at the version of its label",
    check: async (subject) => {
      const label = await labelOf(subject, "flask");
      const python = "from importlib.metadata import version; import dotenv, flask; print(version('flask'))";
      assert.equal(await inside(subject, "python", "-c", python), label);
    },
  },
  {
    of: "flask-helloworld",
    what: "says which module it serves, and where",
    check: async (subject) => {
      await serves(subject, "FLASK_APP=helloworld.py");
    },
  },
  {
    of: "django",
    what: "has Django, at the version of its label",
    check: async (subject) => {
      const label = await labelOf(subject, "django");
      assert.equal(await inside(subject, "python", "-m", "django", "--version"), label);
    },
  },
  {
    of: "ansible",
    what: "reaches a host that it is given, by name of a program or without, and has ssh for others",
    check: async (subject) => {
      const label = await labelOf(subject, "ansible");
      assert.match(await started(subject, "ansible-playbook", "--version"), new RegExp(`core ${label}`));
      const ping = ["localhost", "--connection", "local", "--module-name", "ping"];
      assert.match(await started(subject, "ansible", ...ping), /"ping": "pong"/);
      assert.match(await started(subject, ...ping), /"ping": "pong"/);
      assert.ok(await inside(subject, "sh", "-c", "command -v ssh"));
    },
  },
  {
    of: "tensorflow",
    what: "multiplies matrices",
    check: async (subject) => {
      // It wants a folder for temporary files.
      const python =
        "import tensorflow as tf; print(tf.matmul([[1, 2], [3, 4]], [[5, 6], [7, 8]]).numpy().tolist())";
      assert.equal(await started(subject, "python", "-c", python), "[[19, 22], [43, 50]]");
    },
  },
];
