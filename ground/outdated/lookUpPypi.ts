/** What an index of Python packages has, by its simple API: https://packaging.python.org/specifications/simple-repository-api/. */
import { satisfies } from "@renovatebot/pep440";
import { NoAnswer } from "./guarded.ts";
import type { Found } from "./lookUp.ts";
import type { Outside } from "./outside.ts";
import { newer, python } from "./versions.ts";

const ACCEPT =
  "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/** A version that is not yanked, and the Pythons that it asks for. */
type Versions = ReadonlyMap<string, string | undefined>;

/** A requirement's newest versions; where the newest does not run on the catalog's Pythons, that is said. */
export async function lookUpPypi(
  name: string,
  pinned: string,
  pythons: readonly string[],
  index: string,
  ask: Outside,
): Promise<Found> {
  const versions = await versionsOf(name, index, ask);
  const found = newer([...versions.keys()], pinned, python);
  const needed = versions.get(found.newest);
  const fits = !needed || pythons.every((each) => satisfies(each, needed));
  return {
    ...found,
    notes: fits || found.newest === pinned ? [] : [`${found.newest} needs Python ${needed}`],
  };
}

/** How many packages of a lock have a newer version. */
export async function lookUpLock(
  lock: ReadonlyMap<string, string>,
  index: string,
  ask: Outside,
): Promise<Found> {
  const answers = await Promise.allSettled(
    [...lock].map(async ([name, pinned]) => {
      const found = newer([...(await versionsOf(name, index, ask)).keys()], pinned, python);
      return { patch: found.patch !== pinned, newest: found.newest !== pinned };
    }),
  );
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const failures = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  if (found.length === 0) throw failures[0];
  const count = (key: "patch" | "newest") => `${found.filter((each) => each[key]).length} newer`;
  const notes = failures.flatMap((error) => (error instanceof NoAnswer ? [error.reason] : [`${error}`]));
  return { patch: count("patch"), newest: count("newest"), notes };
}

async function versionsOf(name: string, index: string, ask: Outside): Promise<Versions> {
  const normalized = name.toLowerCase().replaceAll(/[-_.]+/g, "-");
  const text = await ask.read(`${index.replace(/\/$/, "")}/${normalized}/`, ACCEPT);
  const versions = new Map<string, string | undefined>();
  for (const { filename, yanked, requires } of text.startsWith("{") ? filesOfJson(text) : filesOfHtml(text)) {
    const version = versionOf(filename);
    if (version !== undefined && !yanked) versions.set(version, requires);
  }
  return versions;
}

interface File {
  readonly filename: string;
  readonly yanked: boolean;
  readonly requires: string | undefined;
}

function filesOfJson(text: string): File[] {
  const { files } = JSON.parse(text) as {
    files: { filename: string; yanked?: boolean | string; "requires-python"?: string | null }[];
  };
  return files.map(({ filename, yanked, "requires-python": requires }) => {
    return { filename, yanked: Boolean(yanked), requires: requires ?? undefined };
  });
}

/** As indexes answer that are older than the JSON form. */
function filesOfHtml(text: string): File[] {
  return [...text.matchAll(/<a\s([^>]*)>\s*([^<]+?)\s*<\/a>/gi)].map(
    ([, attributes = "", filename = ""]) => ({
      filename,
      yanked: /\bdata-yanked\b/.test(attributes),
      requires: /\bdata-requires-python="([^"]*)"/
        .exec(attributes)?.[1]
        ?.replaceAll("&gt;", ">")
        .replaceAll("&lt;", "<"),
    }),
  );
}

/** `3.1.3` of `flask-3.1.3-py3-none-any.whl`, `Flask-3.1.3.tar.gz`. */
function versionOf(filename: string): string | undefined {
  if (filename.endsWith(".whl")) return filename.split("-")[1];
  return /-([^-]+)\.(?:tar\.(?:gz|bz2|xz)|zip|tgz)$/.exec(filename)?.[1];
}
