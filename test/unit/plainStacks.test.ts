import assert from "node:assert/strict";
import { test } from "node:test";

test("the program's stacks are formatted by Node alone, and name the line in the source", async () => {
  Error.prepareStackTrace = () => "formatted by somebody else";
  assert.equal(new Error().stack, "formatted by somebody else");
  await import("../../components/catalog.ts");
  assert.match(new Error("here").stack ?? "", /^Error: here\n.*plainStacks\.test\.ts:8:\d+/);
});
