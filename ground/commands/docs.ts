import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { bare, itemOf, keysOf, kindsOf, membersOf, notesOf } from "../../components/schema.ts";
import { settings } from "../../components/settings.ts";
import { say } from "../tools/log.ts";

const file = "docs/configuration.md";

/** `npm run docs`: writes the reference of all settings from their schema. */
export async function docs(): Promise<number> {
  mkdirSync("docs", { recursive: true });
  writeFileSync(file, configurationPage());
  say("docs", `${file}, ${Object.keys(settings).length} settings`);
  return 0;
}

/** The reference of all settings: descriptions and rules from the schema, defaults of whole settings from Pulumi.yaml. */
export function configurationPage(): string {
  const { name, config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
    name: string;
    config: Record<string, { default?: unknown }>;
  };
  const head = [
    "# Configuration",
    "<!-- Made by `npm run docs` from components/settings.ts and Pulumi.yaml; change those. -->",
    `Every setting of a stack, as \`${name}:<setting>\` in \`Pulumi.<stack>.yaml\`. All of them are checked before anything ` +
      "is built; what is wrong is reported at once, with the key, what was found and what is allowed.",
    Object.keys(settings)
      .map((setting) => `[${setting}](#${setting.toLowerCase()})`)
      .join(" · "),
  ];
  const sections = Object.entries(settings).map(([setting, type]) =>
    section(name, setting, type, config[setting]?.default),
  );
  return `${[...head, ...sections].join("\n\n")}\n`;
}

function section(project: string, setting: string, type: z.core.$ZodType, value: unknown): string {
  const { description, example } = notesOf(type);
  const given = value === undefined ? "none" : code(value);
  const rows = nestedRows(setting, type);
  const parts = [
    `## ${setting}`,
    `${escaped(description ?? "")}`,
    `- Allowed: ${escaped(allowed(type))}`.concat(`\n- Default: ${given}`),
    setting === "registryPassword"
      ? "```sh\npulumi config set --secret registryPassword\n```"
      : `\`\`\`yaml\nconfig:\n${indent(stringify({ [`${project}:${setting}`]: example }, { lineWidth: 0 }))}\n\`\`\``,
  ];
  if (rows.length > 0) {
    const table = [["Key", "Allowed", "Default", "Example", "Description"], Array(5).fill("---"), ...rows];
    parts.push(table.map((cells) => `| ${cells.join(" | ")} |`).join("\n"));
  }
  return parts.join("\n\n");
}

/** A row for each key below a setting, at any depth. */
function nestedRows(path: string, type: z.core.$ZodType): string[][] {
  const item = itemOf(type);
  if (item) {
    const at = bare(type) instanceof z.ZodArray ? `${path}[]` : `${path}.<name>`;
    return nestedRows(at, item);
  }
  return membersOf(type).flatMap(([key, member]) => [
    row(`${path}.${key}`, member),
    ...nestedRows(`${path}.${key}`, member),
  ]);
}

function row(path: string, type: z.core.$ZodType): string[] {
  const { description, example } = notesOf(type);
  const kinds = bare(type) instanceof z.ZodUnion ? kindsOf(type) : [];
  const sentences = [
    description ?? "",
    ...kinds.map((kind) => `${names(kind)}: ${notesOf(kind).description}`),
  ];
  return [
    `\`${path}\``,
    escaped(allowed(type)),
    defaultOf(type),
    example === undefined ? "" : code(example),
    escaped(sentences.join(" ")),
  ];
}

function defaultOf(type: z.core.$ZodType): string {
  if (type instanceof z.ZodDefault) return code(type.def.defaultValue);
  return type instanceof z.ZodOptional ? "none" : "required";
}

/** What is allowed, in words: `text: a full version`, `list of text: a package name`, `{git, commit} or {folder}`. */
function allowed(type: z.core.$ZodType): string {
  const it = bare(type);
  const { needed } = notesOf(type);
  if (it instanceof z.ZodArray) return `list of ${allowed(it.element)}`;
  if (it instanceof z.ZodRecord) return `by name: ${allowed(it.valueType)}`;
  if (it instanceof z.ZodUnion || it instanceof z.ZodObject) {
    return kindsOf(type)
      .map((kind) => (kind instanceof z.ZodObject ? names(kind) : allowed(kind)))
      .join(" or ");
  }
  if (it instanceof z.ZodBoolean) return "true or false";
  return `${it instanceof z.ZodString ? "text" : "whole number"}${needed ? `: ${needed.replace(/,$/, "")}` : ""}`;
}

/** `{git, commit}` */
const names = (kind: z.core.$ZodType) => `{${keysOf(kind).join(", ")}}`;
const code = (value: unknown) =>
  `\`${stringify(value, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false }).trim().replaceAll("|", "\\|")}\``;
const escaped = (text: string) =>
  text.replace(/`[^`]*`|[<*|]/g, (part) => (part.startsWith("`") ? part : `\\${part}`));
const indent = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
