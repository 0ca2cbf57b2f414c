import { cpSync, existsSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { must } from "../tools/exec.ts";

/** This project's folder. */
export const project = resolve(import.meta.dirname, "../..");

/**
 * Copies the files of the working tree that git does not ignore into a folder, and links the installed packages.
 * @param from another checkout to take the files from. Default: this project.
 */
export async function copyProject(folder: string, from = project): Promise<void> {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await must("git", list, { cwd: project });
  for (const file of stdout.split("\0").filter(Boolean)) {
    if (existsSync(join(from, file)))
      cpSync(join(from, file), join(folder, file), { preserveTimestamps: true });
  }
  linkPackages(folder);
}

/** Links the installed packages into a folder. */
export function linkPackages(folder: string): void {
  symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
}
