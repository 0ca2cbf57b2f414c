import { z } from "zod";
import type { Notes } from "./wording.ts";

// What can be asked of a schema, for messages (problems.ts) and for docs/configuration.md.

/** The schema itself, without what only makes it optional, gives it a default or converts what YAML has read. */
export function bare(type: z.core.$ZodType): z.core.$ZodType {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault) return bare(type.def.innerType);
  if (type instanceof z.ZodPipe) return bare(type.def.out);
  return type;
}

/** What is noted of a schema. */
export function notesOf(type: z.core.$ZodType): Notes {
  const inner =
    type instanceof z.ZodOptional || type instanceof z.ZodDefault ? notesOf(type.def.innerType) : {};
  return { ...inner, ...(z.globalRegistry.get(type) as Notes | undefined) };
}

/** The kinds of which a value may be one; the schema alone where there is no choice. */
export function kindsOf(type: z.core.$ZodType): readonly z.core.$ZodType[] {
  const it = bare(type);
  return it instanceof z.ZodUnion ? it.options : [it];
}

/** The keys that an object may have, each once with its schema, in order; none of what is no object. */
export function membersOf(type: z.core.$ZodType): readonly [string, z.core.$ZodType][] {
  const members = kindsOf(type).flatMap((kind) =>
    kind instanceof z.ZodObject ? Object.entries<z.core.$ZodType>(kind.shape) : [],
  );
  return [...new Map(members)];
}

export const keysOf = (type: z.core.$ZodType): string[] => membersOf(type).map(([key]) => key);

/** The schema of one item of a list, or of one value of a map with names of the user's own. */
export function itemOf(type: z.core.$ZodType): z.core.$ZodType | undefined {
  const it = bare(type);
  if (it instanceof z.ZodArray) return it.element;
  return it instanceof z.ZodRecord ? it.valueType : undefined;
}

/** Whether a value is a map with names of the user's own. */
export const isMap = (type: z.core.$ZodType): boolean => bare(type) instanceof z.ZodRecord;

/** The schema at a path; undefined where there is none. */
export function schemaAt(type: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return type;
  const next = itemOf(type) ?? membersOf(type).find(([key]) => key === part)?.[1];
  return next && schemaAt(next, rest);
}
