import { type Login, sizeOf } from "../tools/registry.ts";

/** The output `images` of a stack, as `pulumi stack output --json` prints it. */
export type Images = Record<string, { ref: string; digest: string; tags: string[]; parent: string | null }>;

/**
 * Prints the end of `up`: the images with their compressed sizes in the registry, and what the service answers.
 * @returns whether the service, if there is one, answers.
 */
export async function report(
  images: Images,
  login: Login,
  serviceUrl: string | null | undefined,
): Promise<boolean> {
  const rows = await Promise.all(
    inLine(images, null).map(async ({ ref, digest, tags }) => {
      const [repository = "", name = ""] = /^[^/]+\/(.*\/([^/:]+)):[^:]+@/.exec(ref)?.slice(1) ?? [];
      const bytes = await sizeOf(login, repository, digest);
      return [
        name,
        tags[0] ?? "",
        digest.slice(7, 19),
        bytes === undefined ? "?" : `${(bytes / 1e6).toFixed(1)} MB`,
      ];
    }),
  );
  process.stdout.write(`\n${table([["image", "tag", "digest", "compressed"], ...rows])}\n`);
  if (!serviceUrl) return true;
  const answer = await fetch(serviceUrl, { signal: AbortSignal.timeout(10_000) }).then(
    async (response) => ({ ok: response.ok, text: (await response.text()).split("\n")[0] ?? "" }),
    (error: Error) => ({ ok: false, text: error.message }),
  );
  process.stdout.write(`\n${serviceUrl}  ${answer.ok ? "→" : "✗"} ${answer.text}\n`);
  return answer.ok;
}

/** Every image after its parent: Pulumi prints outputs by name. */
function inLine(images: Images, parent: string | null): Images[string][] {
  return Object.entries(images).flatMap(([name, image]) =>
    image.parent === parent ? [image, ...inLine(images, name)] : [],
  );
}

/** Columns as wide as their widest cell; the last one to the right. */
export function table(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const last = widths.length - 1;
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === last ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join("  "),
    )
    .join("\n");
}
