import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { type GitServer, serveGit } from "../support/gitServer.ts";
import { freePort, Workspace } from "../support/workspace.ts";

let server: GitServer;
let workspace: Workspace;

before(async () => {
  await ensureDocker();
  // The layout of the article's microblog: a module beside a package.
  server = await serveGit({
    "microblog.py": "from app import app\n",
    "app/__init__.py": "from flask import Flask\n\napp = Flask(__name__)\n\nfrom app import routes\n",
    "app/routes.py":
      'from app import app\n\n\n@app.route("/")\n@app.route("/index")\ndef index():\n    return "Hello, git!"\n',
  });
});
after(async () => {
  server.stop();
  await workspace?.remove();
});

test("an application out of a git repository at a commit, with another module to serve", async () => {
  const base = await chooseStack();
  const publish = await freePort();
  const { url: git, commit } = server;
  workspace = await Workspace.make(base.name, {
    sources: { ...base.config.sources, application: { "flask-helloworld": { git, commit } } },
    applications: [
      {
        name: "flask-helloworld",
        version: "0.1.0",
        framework: "flask",
        args: { FLASK_APP: "microblog.py" },
        publish,
      },
    ],
  });
  const { code, stdout, stderr } = await workspace.npm(["bake", "--build", "--stack", workspace.stack]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  for (const path of ["", "index"]) {
    assert.equal(await (await fetch(`http://127.0.0.1:${publish}/${path}`)).text(), "Hello, git!");
  }
});
