import { globSync } from "node:fs";
import { run } from "node:test";
import type { TestEvent } from "node:test/reporters";
import report from "../../test/reporter.ts";
import { leavingAsFound } from "../machine/asFound.ts";
import type { Options } from "../options.ts";
import { readStack } from "../program/stack.ts";
import { inherit } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";

/** The kinds of test, in the order in which they run: what is quick and needs nothing comes first. */
const kinds = ["unit", "image", "e2e"];

/** `npm test`: style, types, then the tests; what they start they end. */
export async function test({ only }: Options): Promise<number> {
  if (only !== undefined && !kinds.includes(only)) {
    throw new GroundError(`There are no tests "${only}"; --only takes one of ${kinds.join(", ")}.`);
  }
  for (const command of [
    ["biome", "check", "."],
    ["tsc", "--noEmit"],
  ] as [string, ...string[]][]) {
    const [name, ...args] = command;
    if ((await inherit(name, args)) !== 0)
      throw new GroundError(`\`${command.join(" ")}\` failed; see above.`);
  }
  const files = (only ? [only] : kinds).flatMap((kind) => globSync(`test/${kind}/*.test.ts`).sort());
  const { builder } = readStack("dev").config;
  return await leavingAsFound(builder, () => runTests(files));
}

/** Looks at all of Pulumi's processes on this machine, and ends some: no other end-to-end test may run beside it. */
const ALONE = "test/e2e/engine.test.ts";

/** Runs test files three at a time: each waits for the engines as long as it calculates. */
async function runTests(files: string[]): Promise<number> {
  let failed = false;
  const others = files.filter((file) => file.startsWith("test/e2e/") && file !== ALONE);
  const beside = files.filter((file) => !others.includes(file) && file !== ALONE);
  const alone = files.filter((file) => file === ALONE);
  async function* events(): AsyncGenerator<TestEvent> {
    for (const group of [[...alone, ...beside], others])
      if (group.length > 0) yield* run({ files: group, concurrency: 3 });
  }
  async function* watched(): AsyncGenerator<TestEvent> {
    for await (const event of events()) {
      failed ||= event.type === "test:fail";
      yield event;
    }
  }
  for await (const text of report(watched())) process.stdout.write(text);
  return failed ? 1 : 0;
}
