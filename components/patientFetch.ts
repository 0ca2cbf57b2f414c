import ky, { isHTTPError, isNetworkError } from "ky";

/** As `fetch` has them. */
export interface PatientOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

const TRANSIENT = [429, 500, 502, 503, 504];
/** A connection that was there and broke, by the codes of Node and undici; one that cannot be made is no passing thing. */
const BROKEN = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"];

/**
 * `fetch` that asks up to three times more where a server is overloaded (429), fails (5xx) or breaks the connection: after
 * 0.3, 0.6 and 1.2 seconds, or when its Retry-After says, two seconds later at most. A POST is sent once.
 * @returns the last answer, whatever its status. @throws what `fetch` throws.
 */
export async function patientFetch(url: URL | string, options: PatientOptions): Promise<Response> {
  try {
    return await ky(url, {
      ...options,
      timeout: false,
      throwHttpErrors: (status) => TRANSIENT.includes(status),
      retry: {
        limit: 3,
        statusCodes: TRANSIENT,
        maxRetryAfter: 2000,
        shouldRetry: ({ error }) => (isNetworkError(error) ? BROKEN.includes(codeOf(error)) : undefined),
      },
    });
  } catch (error) {
    if (isHTTPError(error)) return error.response;
    if (isNetworkError(error)) throw error.cause;
    throw error;
  }
}

/** The code of what broke, which is the cause of what `fetch` throws. */
function codeOf({ cause }: Error): string {
  const { code = "" } = ((cause as Error).cause ?? {}) as NodeJS.ErrnoException;
  return code;
}
