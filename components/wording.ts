import { z } from "zod";

/** Text that must match `pattern`; otherwise the message says what is `needed`, with an example. */
export function text(pattern: RegExp, needed: string, example: string) {
  const error = `${needed} is needed, for example ${example}`;
  // YAML reads an unquoted 3.13 as a number: what is wrong with it is its length, not its type.
  return z.preprocess(
    (value) => (typeof value === "number" ? String(value) : value),
    z.string(error).regex(pattern, error),
  );
}

/** Any text without white space around it. */
export const word = (needed: string, example: string) => text(/^\S(.*\S)?$/, needed, example);

/** 64 hexadecimal digits. */
export const sha256 = text(/^[0-9a-f]{64}$/, "a sha256 in 64 hexadecimal digits", "93e583f2…");
