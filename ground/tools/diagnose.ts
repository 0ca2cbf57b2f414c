import { troubleOf } from "../../components/registryTrouble.ts";

/** What a failed build or update most likely means, for people who did not write the tools below. */
const causes: readonly [RegExp, (match: RegExpExecArray) => string][] = [
  [/no space left on device/i, () => "The disk is full: free some space and run the same command again."],
  [
    /(?:digest mismatch|checksum mismatch)[^\n]*/i,
    (match) => `A source is not what its checksum says: ${match[0]}.`,
  ],
  [/[\w.:/-]+ is published, and [^\n<]*\./, ([sentence]) => sentence],
  [
    /request to https?:\/\/([^/\s]+)\/\S*: 401 Unauthorized/i,
    ([, host]) =>
      `The registry ${host} refuses the login: is it right, and still valid, in the stack's secret registryPassword, in CATALOG_REGISTRY_PASSWORD, or by \`docker login ${host}\`?`,
  ],
  [
    /request to https?:\/\/([^/\s]+)\/v2\/(\S+?)\/(?:blobs|manifests)\/\S*: 403 Forbidden/i,
    ([, host, repository]) =>
      `The registry ${host} refuses ${repository} to this login (403): give it the right to push there.`,
  ],
  [
    /blob upload invalid/i,
    () => "The registry has taken a layer and cannot keep it (blob upload invalid): is its disk full?",
  ],
  [
    /(?:401 Unauthorized|authorization failed|no basic auth credentials|insufficient_scope|authentication required)/i,
    () =>
      "The registry refuses the login: is it right, and still valid, in the stack's secret registryPassword, in CATALOG_REGISTRY_PASSWORD, or by `docker login`?",
  ],
  [
    /(?:port is already allocated|address already in use)/i,
    () =>
      "A port that the stack publishes is in use: stop what holds it, or change the port in the stack's file.",
  ],
  [
    /(?:no builder "?([\w-]+)"? found|buildkitd[^\n]*connection refused|failed to dial[^\n]*buildkit[^\n]*)/i,
    () => "The builder is not running: `npm run up` starts it.",
  ],
  [
    /failed to connect to any docker daemon|Cannot connect to the Docker daemon/i,
    () => "Docker's engine does not answer: `npm run up` starts it, or says why not.",
  ],
  [
    // The second where the builder is gone while it is asked for something.
    /failed to receive status: rpc error: code = Unavailable|Unavailable: (?:error reading from server|connection error)/i,
    () => "The builder has ended in the middle of it: `npm run up` starts it again.",
  ],
  [
    /unknown stack "(?:[^"]*\/)?([^"/]+)"/i,
    (match) =>
      `There is no stack ${match[1]}, whose images are to be promoted: \`npm run up -- --stack ${match[1]}\` makes it.`,
  ],
  [
    /the stack is currently locked by (\d+) lock/i,
    () => "Another update of this stack is running: wait for it to end.",
  ],
];

/** One sentence for the first known cause in a text; undefined for what nobody foresaw. */
export function diagnose(text: string): string | undefined {
  for (const [pattern, sentence] of causes) {
    const match = pattern.exec(text);
    if (match) return sentence(match);
  }
  const trouble = troubleOf(text);
  const hint = / 5\d\d$/.test(trouble ?? "") ? "; its own log says why" : "";
  return trouble && `The registry ${trouble}${hint}.`;
}
