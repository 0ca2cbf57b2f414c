import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { parseConfig } from "../../components/settings.ts";
import { type PreparedSource, preparedSources } from "../../components/sources.ts";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { materialize } from "../../ground/sources/sources.ts";
import { subjectsOf, testImages } from "../support/subjects.ts";
import { loginOf, Workspace } from "../support/workspace.ts";

/** A security release that came after pyenv 2.7.1, whose definitions of 3.13 end at 3.13.13. */
const python = {
  version: "3.13.15",
  sha256: "1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76",
};

/** Where only Debian's archive is reached, both come from sid, for as long as it has them. */
const ofDebian = {
  pyenvs: [
    {
      version: "2.7.1",
      source: {
        debianPackages: [
          {
            name: "pyenv",
            version: "2.7.1-1",
            sha256: "ed3ab58d89eb11287faa6eef80c6f26c3abe51099c4a502f5e4960edbe7698be",
          },
          {
            name: "pyenv-runtime",
            version: "2.7.1-1",
            sha256: "10f44826e4ebcbd58260d2880ce3fb905e2e493c567c11312830c7ccb9b37aa7",
          },
        ],
        suite: "sid",
        path: "usr/share/pyenv",
      },
    },
  ],
  pythons: [{ ...python, source: { debianSource: "sid" } }],
};

let workspace: Workspace;
let prepared: PreparedSource[];

before(async () => {
  await ensureDocker();
  const { name, values } = await chooseStack();
  const settings = {
    ...(name === "dev" ? { pythons: [python] } : ofDebian),
    frameworks: [],
    applications: [],
  };
  const { config, problems } = parseConfig({ ...values, ...settings });
  assert.ok(config, problems.join("\n"));
  prepared = preparedSources(config);
  workspace = await Workspace.make(name, settings);
});
after(() => workspace?.remove());

test("a CPython that is newer than its pyenv is built by a definition of ours", async (t) => {
  for (const { key, source } of prepared) {
    const missing = await materialize(source, key).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (missing) return t.skip(missing);
  }
  const { code, stdout, stderr } = await workspace.npm(["bake", "--build", "--stack", workspace.stack]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  const subjects = subjectsOf(workspace).filter(({ image }) => image === "python");
  assert.deepEqual(
    subjects.map(({ version }) => version),
    // With compilers, and without.
    [python.version, python.version],
  );
  await testImages(t, subjects, loginOf(workspace, workspace.read(".catalog/registry-password")));
});
