import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { bare, itemOf, kindsOf, membersOf, notesOf } from "../../components/schema.ts";
import { parseConfig, settings } from "../../components/settings.ts";
import { configurationPage } from "../../ground/commands/docs.ts";
import { readStack } from "../../ground/program/stack.ts";

const { config: declared } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
  config: Record<string, { type?: string; items?: { type: string }; default?: unknown; description: string }>;
};

test("docs/configuration.md is what the schema says; `npm run docs` writes it", () => {
  assert.equal(readFileSync("docs/configuration.md", "utf8"), configurationPage());
});

test("Pulumi.yaml declares the settings of the schema, with the same types and descriptions", () => {
  // Pulumi would want a value of a secret that is declared, in every stack.
  assert.deepEqual([...Object.keys(declared), "registryPassword"].sort(), Object.keys(settings).sort());
  for (const [name, { type, items, description }] of Object.entries(declared)) {
    const schema = settings[name] as z.ZodType;
    assert.equal(description, notesOf(schema).description, name);
    assert.equal(type, pulumiType(schema), name);
    const item = itemOf(schema);
    assert.equal(items?.type, type === "array" && item ? pulumiType(item) : undefined, name);
    assert.ok("default" in (declared[name] as object), name);
  }
});

test("the defaults of Pulumi.yaml are a valid configuration", () => {
  const values = Object.entries(declared).flatMap(([name, setting]) =>
    "default" in setting ? [[name, setting.default]] : [],
  );
  assert.deepEqual(parseConfig(Object.fromEntries(values)).problems, []);
});

test("every setting's example is valid", () => {
  // Promotion needs a registry that is shared.
  const { registry, ...others } = readStack("dev").values;
  const values = { ...others, registry: notesOf(settings.registry as z.ZodType).example };
  for (const [name, schema] of Object.entries(settings)) {
    const { example } = notesOf(schema);
    assert.notEqual(example, undefined, name);
    if (name === "registryPassword") continue;
    assert.deepEqual(parseConfig({ ...values, [name]: example }).problems, [], name);
  }
});

test("every key is described, at any depth, in a sentence", () => {
  const undescribed = Object.entries(settings).flatMap(([name, schema]) => keysWithout(name, schema));
  assert.deepEqual(undescribed, []);
});

/** The keys at and below a schema that have no description, or one that is no sentence. */
function keysWithout(key: string, schema: z.core.$ZodType): string[] {
  const own = /\S\.$/.test(notesOf(schema).description ?? "") ? [] : [key];
  const kinds = kindsOf(schema);
  const unexplained = kinds.length > 1 && kinds.some((kind) => !notesOf(kind).description) ? [key] : [];
  const members = membersOf(itemOf(schema) ?? schema);
  return [
    ...own,
    ...unexplained,
    ...members.flatMap(([name, member]) => keysWithout(`${key}.${name}`, member)),
  ];
}

/** Undefined for what may be of several, which Pulumi cannot declare. */
function pulumiType(schema: z.core.$ZodType): string | undefined {
  const it = bare(schema);
  if (it instanceof z.ZodUnion) return undefined;
  if (it instanceof z.ZodArray) return "array";
  if (it instanceof z.ZodNumber) return "integer";
  if (it instanceof z.ZodBoolean) return "boolean";
  return it instanceof z.ZodObject ? "object" : "string";
}
