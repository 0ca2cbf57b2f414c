import assert from "node:assert/strict";
import { test } from "node:test";
import { descend } from "../../ground/tools/descend.ts";

// os ─┬─ pyenv ─┬─ python-a ── flask-a
//     │         └─ python-b ── flask-b
//     ├─────────────┴─ slim-b
//     └─ java
const parents = new Map<string, readonly string[]>([
  ["flask-a", ["python-a"]],
  ["flask-b", ["python-b"]],
  ["slim-b", ["os", "python-b"]],
  ["python-a", ["pyenv"]],
  ["python-b", ["pyenv"]],
  ["java", ["os"]],
  ["pyenv", ["os"]],
  ["os", []],
]);

/** Visits the tree, each visit ending when the others that could have begun have; answers what was seen. */
async function visit(atOnce: number, failing: readonly string[] = [], tree = parents) {
  const [seen, running]: [string[], Set<string>] = [[], new Set()];
  let most = 0;
  await descend(tree, atOnce, async (node) => {
    const early = tree.get(node)?.filter((parent) => !seen.includes(parent) || running.has(parent));
    assert.deepEqual(early, [], `${node} is early`);
    seen.push(node);
    running.add(node);
    most = Math.max(most, running.size);
    await new Promise((resolve) => setImmediate(resolve));
    running.delete(node);
    return !failing.includes(node);
  });
  assert.equal(running.size, 0);
  return { seen, most };
}

test("every node is visited once, after its parents, whatever their order", async () => {
  const { seen, most } = await visit(8);
  assert.deepEqual(seen.sort(), [...parents.keys()].sort());
  assert.equal(most, 3);
});

test("no more at once than allowed", async () => {
  assert.equal((await visit(1)).most, 1);
  const wide = new Map([["os", []], ...[..."abcdef"].map((name): [string, string[]] => [name, ["os"]])]);
  assert.equal((await visit(3, [], wide)).most, 3);
});

test("a node is visited as soon as its parents are done: no branch waits for another", async () => {
  const order: string[] = [];
  let slow = () => {};
  const python = new Promise<boolean>((resolve) => {
    slow = () => resolve(true);
  });
  await descend(parents, 8, async (node) => {
    order.push(node);
    if (node === "flask-a") slow();
    return node === "python-b" ? await python : true;
  });
  assert.ok(order.indexOf("flask-a") < order.indexOf("flask-b"));
});

test("what fails stops what descends from it, and nothing else", async () => {
  assert.deepEqual((await visit(8, ["python-a"])).seen.sort(), [
    "flask-b",
    "java",
    "os",
    "pyenv",
    "python-a",
    "python-b",
    "slim-b",
  ]);
  assert.ok(!(await visit(8, ["python-b"])).seen.includes("slim-b"), "one parent of two is not enough");
  assert.deepEqual((await visit(1, ["os"])).seen, ["os"]);
});

test("nothing to visit; and what a visit throws is thrown when all others have ended", async () => {
  await descend(new Map(), 2, async () => true);
  const ended: string[] = [];
  const visits = descend(parents, 2, async (node) => {
    if (node === "java") throw new Error("no Java");
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(node);
    return true;
  });
  await assert.rejects(visits, /^Error: no Java$/);
  assert.deepEqual(ended, ["os", "pyenv"]);
});
