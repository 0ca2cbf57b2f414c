import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** What a secret may be found in, by what it is. */
export type Places = Record<string, string | Buffer>;

/** A secret as it may be written: as it is, or in the header of a login. */
const formsOf = (secret: string, username: string) => [
  secret,
  Buffer.from(secret).toString("base64").replaceAll("=", ""),
  Buffer.from(`${username}:${secret}`).toString("base64").replaceAll("=", ""),
];

/** The places in which a secret is found. */
export function foundIn(places: Places, secret: string, username = "robot"): string[] {
  const forms = formsOf(secret, username);
  return Object.keys(places).filter((name) => forms.some((form) => places[name]?.includes(form)));
}

/** All files below a folder, unpacked where they are compressed; links are not followed. */
export function filesBelow(folder: string): Places {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const path = ({ parentPath, name }: Dirent) => join(parentPath, name);
  return Object.fromEntries(files.map((file) => [path(file), unpacked(readFileSync(path(file)))]));
}

const unpacked = (bytes: Buffer) => (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes);

/** The command lines of all processes of the machine, looked at many times a second. */
export interface Samples {
  readonly seen: ReadonlySet<string>;
  stop(): void;
}

export function sampleCommandLines(): Samples {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch {
        // It has ended.
      }
    }
  }, 20);
  return { seen, stop: () => clearInterval(timer) };
}
