import { run } from "./exec.ts";

/** What pip is told by its files and its environment, of what concerns us. */
export interface PipSettings {
  readonly "index-url"?: string;
  readonly "extra-index-url"?: string;
  /** A file of certificates. */
  readonly cert?: string;
}

/** pip's own settings; none where there is no pip. */
export async function pipSettings(): Promise<PipSettings> {
  const { stdout } = await run("python3", ["-m", "pip", "config", "list"], { timeout: 20_000 });
  const lines = stdout.matchAll(/^\S*\.(index-url|extra-index-url|cert)='(.*)'$/gm);
  // The environment comes first in pip's list, and wins.
  return Object.fromEntries([...lines].reverse().map(([, setting, value]) => [setting, value]));
}
