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
    if (type === "test:start") {
      path.length = data.nesting;
      path[data.nesting] = data.name;
    }
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    const indent = "  ".repeat(data.nesting);
    const name = [...path.slice(0, data.nesting), data.name].join(" › ");
    const suite = data.details.type === "suite";
    if (data.skip !== undefined) {
      skips.push(`${name}: ${data.skip === true || data.skip === "" ? "no reason given" : data.skip}`);
      yield `${indent}- ${data.name} (skipped)\n`;
    } else if (type === "test:fail") {
      const error = data.details.error;
      // A parent fails for its children's sake; they are counted.
      if ((error as { failureType?: string }).failureType !== "subtestsFailed") {
        failures.push(`${name}\n${reason(error)}`);
      }
      yield `${indent}✗ ${data.name}\n`;
    } else if (!suite) {
      passed += 1;
      yield `${indent}✓ ${data.name} (${Math.round(data.details.duration_ms)} ms)\n`;
    }
  }
  yield "\n";
  for (const failure of failures) yield `✗ ${failure}\n\n`;
  for (const skip of skips) yield `- skipped ${skip}\n`;
  yield `${passed} passed, ${failures.length} failed, ${skips.length} skipped\n`;
}

function reason(error: Error): string {
  const cause = (error.cause ?? error) as Error;
  return (cause.stack ?? cause.message ?? String(cause)).replaceAll(/^/gm, "    ");
}
