import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureBuilder } from "../../ground/machine/builder.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { type BakeFile, digestVariable } from "../../ground/program/bakeFile.ts";
import { must } from "../../ground/tools/exec.ts";
import { Workspace } from "../support/workspace.ts";
import { breakRules } from "./breakages.ts";
import type { Subject } from "./rules/rule.ts";
import { checkRules } from "./rules.ts";

const helloworld = { name: "java-helloworld", version: "1.0.0", framework: "java" };
/** What is built, parents first: no pyenv and no Python. */
const targets = ["debian-13", "java-21-debian-13", "java-25-debian-13", "java-helloworld"];

let workspace: Workspace;
before(async () => {
  await ensureDocker();
  workspace = await Workspace.make((await chooseStack()).name, {
    javas: [{ version: "21" }, { version: "25" }],
    applications: [helloworld],
  });
});
after(() => workspace?.remove());

test("Java and its application", async (t) => {
  const subjects = await build(targets);
  for (const subject of subjects.filter(({ image }) => image !== "debian")) {
    await t.test(`${subject.image} ${subject.version}`, async (t) => {
      await checkRules(t, subject);
    });
  }
  await breakRules(t, subjects.at(-1) as Subject, "java", "java-helloworld");
});

/** Builds the targets one by one, since each carries its parent's digest in a label, and loads them. */
async function build(targets: readonly string[]): Promise<Subject[]> {
  const written = await workspace.npm(["bake", "--stack", workspace.stack]);
  assert.equal(written.code, 0, `${written.stdout}\n${written.stderr}`);
  const { target: all } = JSON.parse(workspace.read("docker-bake.json")) as BakeFile;
  const { name: builder, buildx } = await ensureBuilder("catalog");
  const [command = "", ...args] = buildx;
  const digests: Record<string, string> = {};
  for (const target of targets) {
    const bake = [
      "bake",
      "--file",
      "docker-bake.json",
      "--builder",
      builder,
      "--metadata-file",
      "metadata.json",
    ];
    await must(
      command,
      [...args, ...bake, "--set", `${target}.output=type=docker,rewrite-timestamp=true`, target],
      {
        cwd: workspace.folder,
        env: digests,
      },
    );
    const metadata = JSON.parse(workspace.read("metadata.json"));
    digests[digestVariable(target)] = metadata[target]["containerimage.digest"];
  }
  return targets.map((name) => {
    const { labels, tags } = all[name] as BakeFile["target"][string];
    const line: string[] = [];
    for (
      let next: string | undefined = name;
      next;
      next = all[next]?.contexts.parent?.slice("target:".length)
    ) {
      line.push(all[next]?.labels["org.opencontainers.image.title"] as string);
    }
    const version = labels["org.opencontainers.image.version"] as string;
    return { image: line[0] as string, version, ref: tags[0] as string, namespace: "catalog", line };
  });
}
