import { basename } from "node:path";
import type { TestEvent } from "node:test/reporters";

/**
 * Prints a line a test as it ends, then the failures whole, then every skipped test with its reason, and last
 * `N passed, N failed, N skipped`, which counts tests and not the suites around them.
 */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  const failures: string[] = [];
  const skips: string[] = [];
  const path: string[] = [];
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    // The only event that comes at once: all others wait until the tests around a test have ended.
    if (type === "test:complete") yield line(data);
    if (type === "test:start") path[data.nesting] = data.name;
    if (type !== "test:pass" && type !== "test:fail") continue;

    const name = [...path.slice(0, data.nesting), data.name].join(" › ");
    if (data.skip !== undefined) skips.push(`${name}: ${data.skip || "no reason given"}`);
    else if (type === "test:pass") passed += data.details.type === "suite" ? 0 : 1;
    else {
      const error = data.details.error as Error & { failureType?: string };
      // A parent fails for its children's sake; they are counted.
      if (error.failureType !== "subtestsFailed") failures.push(`${name}\n${reason(error)}`);
    }
  }
  yield "\n";
  for (const failure of failures) yield `✗ ${failure}\n\n`;
  for (const skip of skips) yield `- skipped ${skip}\n`;
  yield `${passed} passed, ${failures.length} failed, ${skips.length} skipped\n`;
}

function line(data: Extract<TestEvent, { type: "test:complete" }>["data"]): string {
  const sign = data.skip !== undefined ? "-" : data.details.passed ? "✓" : "✗";
  // Files run side by side, so each line says whose it is.
  const of = basename(data.file ?? "").replace(/(\.test)?\.ts$/, "");
  const name = data.nesting === 0 && data.name.endsWith(".test.ts") ? "all of it" : data.name;
  return `${sign} ${of.padEnd(12)} ${"  ".repeat(data.nesting)}${name} (${Math.round(data.details.duration_ms)} ms)\n`;
}

function reason(error: Error): string {
  const cause = (error.cause ?? error) as Error;
  return (cause.stack ?? cause.message ?? String(cause)).replaceAll(/^/gm, "    ");
}
