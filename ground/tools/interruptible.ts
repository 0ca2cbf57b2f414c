/** What is said when a person has ended a command that can be given again. */
export const INTERRUPTED = "Interrupted. The same command goes on from here.";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Does work that ends early, and in order, when this process is asked to end: its signal is then aborted. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  for (const signal of SIGNALS) process.on(signal, abort);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, abort);
  }
}
