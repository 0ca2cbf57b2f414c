import type { Config } from "../../components/settings.ts";
import { type Budget, budgetsOf, overBudget } from "../program/budgets.ts";
import { type Images, megabytes, type Size, sizesOf } from "../program/sizes.ts";
import { GroundError } from "../tools/log.ts";
import { bytesOf, type Login } from "../tools/registry.ts";

/**
 * Prints the end of `up`: the images with their compressed sizes in the registry, and what the service answers.
 * @returns whether the service, if there is one, answers.
 * @throws GroundError if an image is over its budget, with its largest files.
 */
export async function report(
  images: Images,
  config: Config,
  login: Login,
  serviceUrl: string | null | undefined,
): Promise<boolean> {
  const sizes = await sizesOf(images, login);
  const budgets = budgetsOf(config);
  process.stdout.write(`\n${sizeTable(sizes, budgets)}\n`);
  const answers = serviceUrl ? await ask(serviceUrl) : true;
  const over = await overBudget(sizes, budgets, login);
  if (over !== undefined) throw new GroundError(over);
  return answers;
}

function sizeTable(sizes: readonly Size[], budgets: ReadonlyMap<string, Budget>): string {
  const rows = sizes.map(({ name, repository, tag, digest, parts }) => {
    const budget = budgets.get(name);
    return [
      repository.split("/").at(-1) ?? "",
      tag,
      digest.slice(7, 19),
      megabytes(...parts.map(({ whole }) => whole)),
      megabytes(...parts.map(({ own }) => bytesOf(own))),
      budget ? `${budget.most} MB` : "",
    ];
  });
  return table([["image", "tag", "digest", "compressed", "adds", "budget"], ...rows]);
}

/** Prints what a service answers. @returns whether it does. */
async function ask(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
    async (response) => ({ ok: response.ok, text: (await response.text()).split("\n")[0] ?? "" }),
    (error: Error) => ({ ok: false, text: error.message }),
  );
  process.stdout.write(`\n${url}  ${answer.ok ? "→" : "✗"} ${answer.text}\n`);
  return answer.ok;
}

/** Columns as wide as their widest cell; what follows the digest is numbers, to the right. */
export function table(rows: string[][]): string {
  const numbers = (rows[0]?.indexOf("digest") ?? 0) + 1;
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const padded = (cell: string, i: number) =>
    i < numbers ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return rows.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}
