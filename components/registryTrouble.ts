/** Seconds until each new try. BuildKit itself has tried again for 7 seconds where a registry fails or breaks off. */
const PAUSES = [5, 10, 20];

const BROKEN =
  /EOF|connection reset by peer|broken pipe|connection refused|TLS handshake timeout|i\/o timeout/.source;
/** What BuildKit, the provider and Docker's engine print of a registry that may be well again in a moment. */
const TROUBLES: readonly RegExp[] = [
  /request to https?:\/\/(?<host>[^/\s]+)\/\S*: (?<status>429|5\d\d) /,
  new RegExp(`"https?://(?<host>[^/"%\\s]+)/[^"]*": .*(?<broken>${BROKEN})`),
  /(?:PUT request to https?:\/\/|failed to push )(?<host>[^/\s]+)\/\S+: .*?(?<lost>blob unknown to registry)/s,
];

/**
 * What passes by itself: a registry that is overloaded (429), fails (5xx), breaks or refuses the connection, or looks for
 * a layer while another push writes it: Docker's registry, up to 2.8 and on a disk, empties a layer's link before
 * it writes it anew, and refuses a manifest in between (registry/storage/driver/filesystem, `PutContent`).
 * @param text of an error.
 * @returns such as "registry.example.com answers 503"; undefined for all else.
 */
export function troubleOf(text: string): string | undefined {
  for (const trouble of TROUBLES) {
    const { host, status, broken, lost } = trouble.exec(text)?.groups ?? {};
    if (status) return `${host} answers ${status}`;
    if (broken) return `${host} does not answer (${broken === "EOF" ? "it breaks off" : broken})`;
    if (lost) return `${host} does not find a layer that it has just taken (${lost})`;
  }
  return undefined;
}

/**
 * Waits where something has failed by a registry's trouble, three times at most.
 * @param failures how often it has failed.
 * @param say is told that it waits.
 * @returns whether to try again.
 */
export async function waitOut(
  what: string,
  error: string,
  failures: number,
  say: (text: string) => unknown,
): Promise<boolean> {
  const trouble = troubleOf(error);
  const pause = PAUSES[failures - 1];
  if (trouble === undefined || pause === undefined) return false;
  await say(
    `${what}: the registry ${trouble}; trying again in ${pause} s (${failures} of ${PAUSES.length}).`,
  );
  await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  return true;
}
