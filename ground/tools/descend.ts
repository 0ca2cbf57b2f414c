/**
 * Visits every node of a graph as soon as all its parents are done, some at once. A visit that answers false keeps what
 * descends from it from being visited, and nothing else.
 * @param parents each node's parents; none for a root.
 * @param atOnce how many visits are under way at most.
 * @throws what a visit throws, once those under way have ended; no other is begun.
 */
export async function descend(
  parents: ReadonlyMap<string, readonly string[]>,
  atOnce: number,
  visit: (node: string) => Promise<boolean>,
): Promise<void> {
  const waiting = new Set(parents.keys());
  const done = new Set<string>();
  const running = new Set<Promise<void>>();
  const begin = (node: string) => {
    waiting.delete(node);
    const run = visit(node).then((good) => {
      if (good) done.add(node);
      running.delete(run);
    });
    running.add(run);
  };
  try {
    for (;;) {
      for (const node of waiting) {
        const ready = parents.get(node)?.every((parent) => done.has(parent));
        if (ready && running.size < atOnce) begin(node);
      }
      if (running.size === 0) return;
      await Promise.race(running);
    }
  } finally {
    await Promise.allSettled(running);
  }
}
