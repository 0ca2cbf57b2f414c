import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { series } from "../../components/tree.ts";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureBuilder } from "../../ground/machine/builder.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { must } from "../../ground/tools/exec.ts";
import { Workspace } from "../support/workspace.ts";
import { checkRules } from "./rules.ts";

const data = resolve(import.meta.dirname, "../../../shared/data");
const roots = [
  { version: "3.10.9", sha256: "f13bca592c2e2410df6bb1edab6a633dae6822a336f5bf93d3c242c30b6e09ac" },
  { version: "3.20.3", sha256: "d4e6fd67dcf75e40c451560ac7265166c2b72a0f38ddc9aae756a7de3d1efa0c" },
];

let base: string;
const workspaces: Workspace[] = [];

before(async () => {
  await ensureDocker();
  base = (await chooseStack()).name;
});
after(async () => {
  for (const workspace of workspaces) await workspace.remove();
});

for (const { version, sha256 } of roots) {
  const rootfs = join(data, `alpine-minirootfs-${version}-x86_64.tar.gz`);
  const skip = existsSync(rootfs) ? false : `${rootfs} is not there`;

  test(`Alpine ${version} builds on a plain root file system, without packages and without a network`, {
    skip,
  }, async (t) => {
    const workspace = await Workspace.make(base, {
      systems: [{ name: "alpine", version, base: { rootfs, sha256 } }],
    });
    workspaces.push(workspace);
    const written = await workspace.npm(["bake", "--stack", workspace.stack]);
    assert.equal(written.code, 0, `${written.stdout}\n${written.stderr}`);

    const ref = `localhost:${workspace.registryPort}/catalog/alpine:${version}`;
    const { name, buildx } = await ensureBuilder("catalog");
    const [command = "", ...args] = buildx;
    const file = JSON.parse(workspace.read("docker-bake.json"));
    const target = `alpine-${series(version).replace(".", "_")}`;
    Object.assign(file.target[target], { network: "none", output: ["type=docker"] });
    workspace.write("docker-bake.json", JSON.stringify(file));
    await must(command, [...args, "bake", "--file", "docker-bake.json", "--builder", name, target], {
      cwd: workspace.folder,
    });

    const subject = { image: "alpine", version, ref, namespace: "catalog", line: ["alpine"] };
    await checkRules(t, subject);
    await t.test("the user is alpine, with a locked password", async () => {
      const { stdout } = await must("docker", [
        "run",
        "--rm",
        "--user",
        "0",
        ref,
        "sh",
        "-c",
        "id -u alpine; grep ^alpine: /etc/shadow",
      ]);
      assert.match(stdout, /^1000\nalpine:!/);
    });
  });
}
