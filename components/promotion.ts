import * as pulumi from "@pulumi/pulumi";
import type { Catalog } from "./catalog.ts";
import { explain } from "./config.ts";
import { choice, found } from "./problems.ts";
import { Promoted } from "./promoted.ts";
import type { Config } from "./settings.ts";
import { imagesOfStack, type SourceImages } from "./sourceStack.ts";

/**
 * The images that this stack takes from another one, each after its parent; none where it builds its own.
 * @throws pulumi.RunError if the other stack, or an image that the configuration names, is not there.
 */
export async function promotedImages(
  { promote: { from, only }, applications }: Pick<Config, "promote" | "applications">,
  catalog: Catalog,
): Promise<Promoted[]> {
  if (from === undefined) return [];
  const images = await imagesOfStack(from);
  const missing = (key: string, name: string, names: readonly string[]) =>
    names.includes(name) ? [] : [`${key}: ${found(name)}; ${choice(name, [...names].sort())}`];
  const all = Object.keys(images);
  const wrong = (only ?? []).flatMap((name, i) => missing(`promote.only[${i}]`, name, all));
  const names = inLine(images, wrong.length > 0 ? undefined : only);
  wrong.push(...applications.flatMap(({ name }, i) => missing(`applications[${i}].name`, name, names)));
  if (wrong.length > 0) throw new pulumi.RunError(explain(pulumi.getStack(), wrong));

  const promoted = new Map<string, Promoted>();
  for (const name of names) {
    const source = images[name] as SourceImages[string];
    const parent = source.parent === null ? undefined : promoted.get(source.parent);
    const dependsOn = parent ?? catalog.registry.ready;
    promoted.set(name, new Promoted(name, { catalog, source, parent }, { dependsOn }));
  }
  return [...promoted.values()];
}

/** Images by name, as far as their tree is asked for. */
export type Parents = Readonly<Record<string, { readonly parent: string | null }>>;

/**
 * Images with all that they stand on, each after its parent, and named once.
 * @param only which. Default: all.
 */
export function inLine(images: Parents, only: readonly string[] = Object.keys(images)): string[] {
  const line = (name: string): string[] => {
    const parent = images[name]?.parent;
    return typeof parent === "string" && parent in images ? [...line(parent), name] : [name];
  };
  return [...new Set(only.flatMap(line))];
}
