/** Looks up what there is besides a pin: one function for each kind of source. */
import type { Config } from "../../components/settings.ts";
import { hostOf, registryOf } from "./guarded.ts";
import { lookUpCpython, lookUpJava, lookUpPackage, lookUpRelease } from "./lookUpDebian.ts";
import { lookUpLock, lookUpPypi } from "./lookUpPypi.ts";
import type { Outside } from "./outside.ts";
import { type Pin, shortImage } from "./pins.ts";
import { type Newer, newer, numbers, python, semantic } from "./versions.ts";

/** What was found for a pin, in the words of its `pinned`. */
export interface Found {
  /** The newest of the pinned series; the pin itself where there is nothing newer. */
  readonly patch?: string;
  readonly newest?: string;
  readonly notes?: readonly string[];
  /** What to write beside a newer version: `pyenv 2.8.0: commit 45180928…`. */
  readonly pins?: readonly string[];
}

/** Where Python's packages and Maven's artifacts are looked up. */
export interface Indexes {
  readonly pypi: string;
  readonly maven: string;
}

const GO_PROXY = "https://proxy.golang.org";

/** Go's own setting is a list; what is no URL in it has nothing to ask. */
const goProxy = () =>
  process.env.GOPROXY?.split(/[,|]/)
    .find((each) => /^https?:/.test(each))
    ?.replace(/\/$/, "") ?? GO_PROXY;

/** Where a pin is looked up, as people say it: a host, a suite of Debian; undefined where nobody is asked. */
export function placeOf({ source }: Pin, { pypi, maven }: Indexes): string | undefined {
  if ("image" in source) return registryOf(source.image);
  if ("git" in source) return hostOf(source.git);
  if ("head" in source) return hostOf(source.head);
  if ("debianPackage" in source) return `Debian ${source.suite}, sid`;
  if ("debianSource" in source) return `Debian ${source.debianSource}, sid`;
  if ("release" in source) return "Debian's archive";
  if ("java" in source) return `${source.java.name}'s archive`;
  if ("listing" in source) return hostOf(source.listing);
  if ("pypi" in source || "lock" in source) return hostOf(pypi);
  if ("maven" in source) return hostOf(maven);
  if ("npm" in source) return "the npm registry";
  if ("goModule" in source) return hostOf(goProxy());
  return undefined;
}

/** @throws NoAnswer where a source cannot be reached, or has not what is asked for. */
export async function lookUp({ name, pinned, source }: Pin, ask: Outside, indexes: Indexes): Promise<Found> {
  if ("image" in source) return lookUpImage(source.image, ask);
  if ("git" in source) return lookUpTags(name, pinned, source, ask);
  if ("head" in source) return lookUpHead(source, ask);
  if ("debianPackage" in source) return lookUpPackage(pinned, source, ask);
  if ("debianSource" in source) return lookUpCpython(pinned, source.debianSource, ask);
  if ("release" in source) return lookUpRelease(pinned, source.archive, ask);
  if ("java" in source) return lookUpJava(pinned, source.java, ask);
  if ("listing" in source) return lookUpListing(pinned, source.listing, ask);
  if ("pypi" in source) return lookUpPypi(source.pypi, pinned, source.pythons, indexes.pypi, ask);
  if ("lock" in source) return lookUpLock(source.lock, indexes.pypi, ask);
  if ("maven" in source) {
    const folder = `${source.maven.replaceAll(".", "/")}/${source.artifact}`;
    const text = await ask.read(`${indexes.maven.replace(/\/$/, "")}/${folder}/maven-metadata.xml`);
    return newer(
      [...text.matchAll(/<version>([^<]+)</g)].map(([, each = ""]) => each),
      pinned,
      semantic,
    );
  }
  if ("npm" in source) return newer(await ask.npm(source.npm), pinned, semantic);
  if ("goModule" in source) {
    const text = await ask.read(`${goProxy()}/${source.goModule}/@v/list`);
    return newer(text.split(/\s+/), pinned, semantic);
  }
  return { notes: [source.nobody] };
}

/** The newest tags of the same form, `14-slim` beside `13-slim`, and what the pinned one means today. */
async function lookUpImage(image: string, ask: Outside): Promise<Found> {
  const [, name = "", tag = "", digest = ""] = /^(.+):([^:@/]+)@(.+)$/.exec(image) ?? [];
  const tags = newerTags(tag, await ask.tagsOf(`${name}:${tag}`));
  const now = async (each: string) => ({ tag: each, digest: await ask.digestOf(`${name}:${each}`) });
  const [own, patch, newest] = [await now(tag), await now(tags.patch), await now(tags.newest)];
  const pins = [patch, newest].map((each) => `${name}:${each.tag}@${each.digest}`);
  return {
    patch: shortImage(patch.tag, patch.digest),
    newest: shortImage(newest.tag, newest.digest),
    notes: own.digest === digest ? [] : [`${tag} has moved since it was pinned`],
    pins: [...new Set(pins)].filter((each) => each !== image),
  };
}

/** A tag without a number, such as `trixie-slim`, is its own series. */
function newerTags(tag: string, all: readonly string[]): Newer {
  const [, pinned, variant = ""] = /^(\d+(?:\.\d+)*)(-.*)?$/.exec(tag) ?? [];
  if (pinned === undefined) return { patch: tag, newest: tag };
  const depth = pinned.split(".").length;
  const versions = all
    .filter((each) => each.endsWith(variant))
    .map((each) => each.slice(0, each.length - variant.length))
    .filter((each) => each.split(".").length === depth);
  const { patch, newest } = newer(versions, pinned, numbers);
  return { patch: patch + variant, newest: newest + variant };
}

async function lookUpTags(
  name: string,
  pinned: string,
  { git, commit }: { git: string; commit: string },
  ask: Outside,
): Promise<Found> {
  const refs = await ask.refsOf(git);
  const tags = new Map<string, string>();
  for (const [ref, to] of refs) {
    const version = /^refs\/tags\/v?(\d.*)$/.exec(ref)?.[1];
    if (version !== undefined) tags.set(version, to);
  }
  const found = newer([...tags.keys()], pinned, semantic);
  const versions = [...new Set([found.patch, found.newest])].filter((each) => each !== pinned);
  return {
    ...found,
    notes: tags.get(pinned) === commit ? [] : [`the pinned commit is not the one of ${pinned}`],
    pins: versions.map((each) => `${name} ${each}: commit ${tags.get(each)}`),
  };
}

/** The newest commit of the default branch; what is pinned need not be on it. */
async function lookUpHead({ head, commit }: { head: string; commit: string }, ask: Outside): Promise<Found> {
  const refs = await ask.refsOf(head);
  const newest = refs.get("HEAD") ?? commit;
  const tag = [...refs].find(([ref, to]) => to === commit && ref.startsWith("refs/tags/"))?.[0];
  return {
    newest: newest.slice(0, 8),
    notes: tag === undefined ? [] : [`pinned at the tag ${tag.slice("refs/tags/".length)}`],
    pins: newest === commit ? [] : [`${head}: commit ${newest}`],
  };
}

/** The versions in the listing of the folder in which the URL's {version} stands, if their file is there. */
async function lookUpListing(pinned: string, url: string, ask: Outside): Promise<Found> {
  const [before = "", after = ""] = url.split(/\{version\}(.*)/s);
  const folder = before.slice(0, before.lastIndexOf("/") + 1);
  const [start, end] = [before.slice(folder.length), after.split("/{version}")[0]?.split("/")[0] ?? ""];
  const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const entry = new RegExp(`${literal(start)}(\\d+\\.\\d+\\.\\d+)${literal(end)}(?=["'/<])`, "g");
  let versions = [...new Set([...(await ask.read(folder)).matchAll(entry)].map(([, each = ""]) => each))];
  // The folder of a version is there before its release: it begins with the first alpha.
  for (;;) {
    const found = newer(versions, pinned, python);
    const missing: string[] = [];
    for (const each of new Set([found.patch, found.newest])) {
      if (each !== pinned && !(await ask.exists(url.replaceAll("{version}", each)))) missing.push(each);
    }
    if (missing.length === 0) return { ...found, pins: checksumsOf(found, pinned, url) };
    versions = versions.filter((each) => !missing.includes(each));
  }
}

/** No listing gives checksums. */
function checksumsOf({ patch, newest }: Newer, pinned: string, url: string): string[] {
  return [...new Set([patch, newest])]
    .filter((each) => each !== pinned)
    .map(
      (each) =>
        `${each}: the sha256 of ${url.replaceAll("{version}", each)}, by \`curl -fsSL … | sha256sum\``,
    );
}

/** The indexes of a stack: its own, else those that pip and Maven would ask. */
export function indexesOf(sources: Pick<Config["sources"], "pypi" | "maven">, ofPip?: string): Indexes {
  return {
    pypi: sources.pypi ?? process.env.UV_DEFAULT_INDEX ?? ofPip ?? "https://pypi.org/simple",
    maven: sources.maven ?? "https://repo.maven.apache.org/maven2",
  };
}
