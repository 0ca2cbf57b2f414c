import { rmSync } from "node:fs";
import type { TestContext } from "node:test";
import type { BakeFile } from "../../ground/program/bakeFile.ts";
import { loginFolder } from "../../ground/tools/dockerConfig.ts";
import { must, run } from "../../ground/tools/exec.ts";
import type { Login } from "../../ground/tools/registry.ts";
import type { Subject } from "../image/rules/rule.ts";
import { checkRules } from "../image/rules.ts";
import type { Workspace } from "./workspace.ts";

/** The images of a workspace in which `bake` has been run. */
export function subjectsOf(workspace: Workspace): Subject[] {
  const { target: targets } = JSON.parse(workspace.read("docker-bake.json")) as BakeFile;
  return Object.entries(targets).map(([name, { tags, labels }]) => {
    const line: string[] = [];
    for (let next: string | undefined = name; next !== undefined; ) {
      if (/^python-[\d_]+-slim/.test(next)) line.push("python-slim");
      line.push(targets[next]?.labels["org.opencontainers.image.title"] as string);
      next = targets[next]?.contexts.parent?.slice("target:".length);
    }
    return {
      image: labels["org.opencontainers.image.title"] as string,
      version: labels["org.opencontainers.image.version"] as string,
      ref: tags[0] as string,
      namespace: "catalog",
      line,
    };
  });
}

/** Pulls images and asks each for all that it must be. */
export async function testImages(t: TestContext, subjects: readonly Subject[], login: Login): Promise<void> {
  const dockerConfig = loginFolder(login);
  t.after(async () => {
    rmSync(dockerConfig, { recursive: true });
    // By the tags of the pulls: an image that is forgotten by its digest keeps its tag.
    for (const { ref } of subjects) await run("docker", ["image", "rm", ref]);
  });
  for (const subject of subjects) {
    await t.test(subject.line[0], async (t) => {
      await must("docker", ["--config", dockerConfig, "pull", "--quiet", subject.ref]);
      await checkRules(t, subject);
    });
  }
}
