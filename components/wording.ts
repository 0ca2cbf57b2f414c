import { z } from "zod";

/** What a setting's schema says of it besides its description, for messages and for docs/configuration.md. */
export interface Notes {
  readonly description?: string | undefined;
  /** What is allowed, as in "a full version". */
  readonly needed?: string;
  /** A value that is allowed. */
  readonly example?: unknown;
}

/** Text that must match `pattern`; otherwise the message says what is `needed`, with an example. */
export function text(pattern: RegExp, needed: string, example: string) {
  const error = `${needed} is needed, for example ${example}`;
  return fromYaml(z.string(error).regex(pattern, error)).meta({ needed, example });
}

/** Any text without white space around it. */
export const word = (needed: string, example: string) => text(/^\S(.*\S)?$/, needed, example);

/** 64 hexadecimal digits. */
export const sha256 = text(/^[0-9a-f]{64}$/, "a sha256 in 64 hexadecimal digits", "93e583f2…");

/** A URL that matches `pattern` and names no login: the state, the logs and what is built would keep it. */
export function url(pattern: RegExp, needed: string, example: string) {
  const error = `${needed} is needed, for example ${example}`;
  return fromYaml(
    z
      .string(error)
      .refine((value) => !hasLogin(value), {
        error: "a URL without a login is needed, as state and logs would keep it",
        abort: true,
      })
      .regex(pattern, error)
      .refine((value) => !value.includes("://") || URL.canParse(value), error),
  ).meta({ needed, example });
}

/** A whole number from `least` to `most`. */
export function whole(needed: string, example: number, least: number, most = Number.MAX_SAFE_INTEGER) {
  const error = `${needed} is needed, for example ${example}`;
  return z.int(error).min(least, error).max(most, error).meta({ needed, example });
}

/** YAML reads an unquoted 3.13 as a number: what is wrong with it is its length, not its type. */
function fromYaml<T extends z.ZodType>(type: T) {
  return z.preprocess((value) => (typeof value === "number" ? String(value) : value), type);
}

/** Whether a URL names a password, or for HTTP a user, which is how tokens are given. A user alone is usual with SSH. */
export function hasLogin(value: string): boolean {
  return /^https?:\/\/[^/?#]*@/i.test(value) || /^[\w+.-]+:\/\/[^/?#@]*:[^/?#]*@/.test(value);
}
