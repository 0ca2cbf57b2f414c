import { type Apt, privateApt, suitePlaces } from "../sources/apt.ts";

/** What a suite of Debian has. */
export interface DebianArchive {
  /** The names of packages that begin with something. */
  names(start: string): Promise<readonly string[]>;
  /** The versions of a package, each with the sha256 of its file. */
  package(name: string): Promise<ReadonlyMap<string, string>>;
  /** The files of a source package, each with its sha256. */
  sourceFiles(name: string): Promise<ReadonlyMap<string, string>>;
}

/**
 * A suite's archive with lists as they are now, its updates and security fixes included. Reading them for the first
 * time takes some seconds.
 * @throws GroundError where the host has no apt, no keys of Debian's, or reaches no archive
 */
export async function archiveOf(suite: string): Promise<DebianArchive> {
  const apt = await privateApt(suite);
  await apt.update();
  const stanzas = async (...args: string[]) => (await apt("apt-cache", args)).stdout.split(/\n\n+/);
  return {
    async names(start) {
      return (await namesOf(apt, start)).sort();
    },
    async package(name) {
      const shown = await stanzas("show", name);
      return new Map(
        shown.flatMap((text) => pair(/^Version: (.+)$/m.exec(text), /^SHA256: (.+)$/m.exec(text))),
      );
    },
    async sourceFiles(name) {
      const shown = await stanzas("showsrc", "--only-source", name);
      const files = shown.flatMap((text) => [...text.matchAll(/^ ([0-9a-f]{64}) \d+ (\S+)$/gm)]);
      return new Map(files.map(([, sha256 = "", file = ""]) => [file, sha256]));
    },
  };
}

async function namesOf(apt: Apt, start: string): Promise<string[]> {
  const { stdout } = await apt("apt-cache", ["pkgnames", start]);
  return stdout.split("\n").filter(Boolean);
}

function pair(key: RegExpExecArray | null, value: RegExpExecArray | null): [string, string][] {
  return key?.[1] && value?.[1] ? [[key[1], value[1]]] : [];
}

/** Where the host has Debian's archive. */
export async function archiveUrl(suite: string, mirror?: string): Promise<string> {
  return (await suitePlaces(suite, mirror))[0]?.split(" ")[0] ?? "";
}
