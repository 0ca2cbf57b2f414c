import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import dockerignore from "@balena/dockerignore";

/** Where contexts are staged, relative to the project. */
const STAGED = ".catalog/contexts";

interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
  readonly symlink: boolean;
}

/**
 * Copies folders, one over the other, into a build context named by what is in it, and says where.
 *
 * The provider compares a context's location and its files' full modes (pulumi-docker-build#222): in the working
 * tree a umask would rebuild the catalog, and an edited file would not show at preview in what is built from it.
 * Here modes are 0644 and 0755, and the name changes if, and only if, the content does.
 * @param name begins the context's name.
 * @param folders what goes in, relative to the project; each one's .dockerignore is obeyed.
 * @returns the context's location relative to the project, so that it is the same in every checkout.
 */
export function stage(name: string, folders: readonly string[]): string {
  const entries = new Map<string, Entry>();
  for (const folder of folders) for (const entry of read(folder)) entries.set(entry.path, entry);
  const sorted = [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));

  const hash = createHash("sha256");
  for (const { path, mode, symlink, content } of sorted) {
    hash.update(`${path}\0${mode.toString(8)}\0${symlink}\0${content.length}\0`).update(content);
  }
  const location = `${STAGED}/${name}-${hash.digest("hex").slice(0, 16)}`;
  if (!existsSync(location)) write(location, sorted);
  forgetOld(name, location);
  return location;
}

function read(folder: string): Entry[] {
  const ignoreFile = join(folder, ".dockerignore");
  const ignore = dockerignore
    .default()
    .add([".git", existsSync(ignoreFile) ? readFileSync(ignoreFile, "utf8") : ""]);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name).slice(join(folder, "/").length) }))
    .filter(({ entry, path }) => (entry.isFile() || entry.isSymbolicLink()) && !ignore.ignores(path))
    .map(({ entry, path }) => {
      const file = join(folder, path);
      if (entry.isSymbolicLink())
        return { path, mode: 0o777, symlink: true, content: Buffer.from(readlinkSync(file)) };
      return {
        path,
        mode: statSync(file).mode & 0o100 ? 0o755 : 0o644,
        symlink: false,
        content: readFileSync(file),
      };
    });
}

/** Written beside and moved into place: a half-written context must never carry the name of a whole one. */
function write(location: string, entries: readonly Entry[]): void {
  const draft = `${location}.${process.pid}`;
  mkdirSync(draft, { recursive: true, mode: 0o755 });
  for (const { path, mode, symlink, content } of entries) {
    const file = join(draft, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    if (symlink) symlinkSync(content.toString(), file);
    else {
      writeFileSync(file, content);
      chmodSync(file, mode);
    }
  }
  try {
    renameSync(draft, location);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(location)) throw error;
  }
}

/** Contexts of the same name that nothing has used for a day; a younger one may belong to a run beside this one. */
function forgetOld(name: string, current: string): void {
  const yesterday = Date.now() - 24 * 60 * 60 * 1000;
  for (const folder of readdirSync(STAGED)) {
    const path = join(STAGED, folder);
    if (folder.slice(0, -17) === name && path !== current && statSync(path).mtimeMs < yesterday) {
      rmSync(path, { recursive: true });
    }
  }
}
