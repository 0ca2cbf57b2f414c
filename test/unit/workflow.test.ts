/** What runs elsewhere: the workflow, and the commands that people are told to run. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { run } from "../../ground/tools/exec.ts";

const workflows = globSync(".github/workflows/*.yaml").sort();
const texts = [...workflows, "README.md", ...globSync("docs/*.md").sort()];

interface Job {
  readonly env?: Record<string, string>;
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
}

/** The options of each command, by the help that the command line gives. */
async function helped(): Promise<Map<string, string[]>> {
  const { stdout } = await run(process.execPath, ["ground/cli.ts", "--help"]);
  // A command is at the third column, what belongs to it is below.
  const sections = stdout.split(/^ {2}(?=\w)/m).slice(1);
  return new Map(sections.map((text) => [/^\w+/.exec(text)?.[0] ?? "", text.match(/(?<=^ +)--\w+/gm) ?? []]));
}

test("every command that the workflow and the pages name is a script, with options that it takes", async () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const commands = await helped();
  assert.ok(commands.size > 5);
  for (const file of texts) {
    const text = readFileSync(file, "utf8");
    const calls = [...text.matchAll(/npm (?:run (?:--silent )?(\w+)|(?=test))( -- [^`|#\n]*)?/g)];
    assert.ok(calls.length > 0 || file.startsWith("docs/"), `${file} runs nothing`);
    for (const [call, name = "test", args = ""] of calls) {
      assert.ok(name in scripts, `${file}: ${call}`);
      for (const option of args.match(/(?<= )--\w+/g) ?? []) {
        assert.ok(commands.get(name)?.includes(option), `${file}: ${call}`);
      }
    }
  }
});

for (const file of workflows) {
  const text = readFileSync(file, "utf8");
  const { permissions, jobs } = parse(text) as { permissions: unknown; jobs: Record<string, Job> };

  test(`${file} may only read, and uses actions of a version`, () => {
    assert.deepEqual(permissions, { contents: "read" });
    for (const [name, job] of Object.entries(jobs)) {
      assert.ok(!("permissions" in job), name);
      for (const { uses } of job.steps) if (uses) assert.match(uses, /@(v\d+(\.\d+)*|[0-9a-f]{40})$/, name);
    }
  });

  test(`${file} puts nothing into a shell but by the environment`, () => {
    for (const { steps } of Object.values(jobs)) {
      for (const { run = "" } of steps) assert.doesNotMatch(run, /\$\{\{/);
    }
  });

  test(`README.md says every variable and secret of ${file}`, () => {
    const readme = readFileSync("README.md", "utf8");
    const names = new Set(text.match(/(?<=\b(?:vars|secrets)\.)\w+/g));
    assert.ok(names.size > 0);
    for (const name of names) assert.ok(readme.includes(`\`${name}\``), name);
  });
}
