import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { isMap, keysOf, kindsOf, schemaAt } from "./schema.ts";

/** Where a problem is looked for: a schema and the value that it was given, at a path of the configuration. */
interface Place {
  readonly type: z.core.$ZodType;
  readonly value: unknown;
  readonly path: readonly PropertyKey[];
}

/** The one secret, where it is none. */
export const PLAIN_PASSWORD =
  "registryPassword: found plain text; a secret is needed: `pulumi config set --secret registryPassword`";

/** What is wrong, a sentence each: key, what was found, what is allowed. */
export function problemsOf(place: Place, issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => {
    const here: Place = {
      type: schemaAt(place.type, issue.path) ?? place.type,
      value: issue.path.reduce<unknown>(
        (value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part],
        place.value,
      ),
      path: [...place.path, ...issue.path],
    };
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(here, key));
    if (issue.code === "invalid_union") return noKind(here, issue);
    const wrongType = issue.code === "invalid_type" ? objectNeeded(here.type) : undefined;
    const message = wrongType ?? (issue.code === "invalid_key" ? issue.issues[0]?.message : issue.message);
    return `${keyOf(here.path)}: ${found(here.value, here.path)}; ${message}`;
  });
}

/** `pythons[0].version` */
export function keyOf(path: readonly PropertyKey[]): string {
  return hideLogins(
    path
      .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i ? "." : ""}${String(part)}`))
      .join(""),
  );
}

/** What is allowed instead of `name`, the nearest first: `did you mean debian? (allowed: alpine, debian)`. */
export function choice(name: string, allowed: readonly string[]): string {
  const near = nearest(name, allowed);
  if (near) return `did you mean ${near}? (allowed: ${allowed.join(", ")})`;
  return allowed.length > 0 ? `one of ${allowed.join(", ")} is needed` : "none is there to choose from";
}

/** A value as messages show it: on one line, not too long, and without what looks like a secret. */
export function found(value: unknown, path: readonly PropertyKey[] = []): string {
  if (value === undefined) return "missing";
  if (path.some((part) => isSecretName(String(part)))) return "found a value that is not shown";
  const text = JSON.stringify(value, (key, inner) => {
    if (isSecretName(key)) return "…";
    return typeof inner === "string" ? hideLogins(inner) : inner;
  });
  return `found ${text.length > 100 ? `${text.slice(0, 99)}…` : text}`;
}

/** Every secret among the values, as stack files have them: only the password may be one. */
export function secretsIn(value: unknown, path: readonly PropertyKey[] = []): string[] {
  if (typeof value !== "object" || value === null) return [];
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "secure") {
    return [`${keyOf(path)}: found a secret; plain text is needed, as only registryPassword is a secret`];
  }
  return entries.flatMap(([key, inner]) =>
    secretsIn(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function unknownKey(place: Place, key: string): string {
  const at = keyOf(place.path);
  const allowed = keysOf(kindMeant(place)?.kind ?? place.type);
  let advice = nearest(key, allowed) ? choice(key, allowed) : `allowed: ${allowed.join(", ")}`;
  if (isSecretName(key))
    advice = "the registry's password is the setting registryPassword, which is a secret";
  return `${at ? `${at}: ` : ""}unknown key ${hideLogins(key)}; ${advice}`;
}

/** What is needed where an object is; undefined where none is. */
function objectNeeded(type: z.core.$ZodType): string | undefined {
  const keys = keysOf(type);
  if (keys.length > 0) return `{${keys.join(", ")}} is needed`;
  return isMap(type) ? "names with a value each are needed" : undefined;
}

/** Of a value that may be of several kinds: what is wrong with the kind that it has most keys of. */
function noKind(place: Place, issue: z.core.$ZodIssueInvalidUnion): string[] {
  const meant = kindMeant(place);
  if (meant) return problemsOf({ ...place, type: meant.kind }, issue.errors[meant.index] ?? []);
  const near = keysIn(place.value).flatMap((key) => {
    const name = nearest(key, keysOf(place.type));
    return name ? `unknown key ${hideLogins(key)}; did you mean ${name}? ` : [];
  });
  if (near[0]) return [`${keyOf(place.path)}: ${near[0]}(${issue.message})`];
  return [`${keyOf(place.path)}: ${found(place.value, place.path)}; ${issue.message}`];
}

/** The kind that a value has most keys of; undefined where it has none of any. */
function kindMeant({ type, value }: Place): { kind: z.core.$ZodType; index: number } | undefined {
  const given = keysIn(value);
  const kinds = kindsOf(type).map((kind, index) => {
    return { kind, index, matching: keysOf(kind).filter((key) => given.includes(key)).length };
  });
  return kinds.filter(({ matching }) => matching > 0).sort((a, b) => b.matching - a.matching)[0];
}

const keysIn = (value: unknown): string[] =>
  typeof value === "object" && value !== null ? Object.keys(value) : [];

/** The name that was probably meant; undefined where none is near. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const far = (other: string) => distance(name.toLowerCase(), other.toLowerCase());
  const best = [...names].sort((a, b) => far(a) - far(b))[0];
  return best !== undefined && far(best) <= Math.min(3, Math.floor(best.length / 2)) ? best : undefined;
}

const isSecretName = (name: string) => /pass(word|wd|phrase)|secret|token|credential/i.test(name);

/** `https://user:password@host` as `https://…@host`; a digest, `name:tag@sha256:…`, stays as it is. */
function hideLogins(text: string): string {
  return text
    .replace(/:\/\/[\s\S]*@(?!sha256:)/g, "://…@")
    .replace(/^(?![\w+.-]+:\/\/)[\s\S]*:[\s\S]*@(?!sha256:)/, "…@")
    .replace(/((?:passw(?:or)?d|secret|token)=)[^&\s]+/gi, "$1…");
}
