import { globSync, readdirSync } from "node:fs";
import type { z } from "zod";
import { keysOf } from "../../../components/schema.ts";
import { settingNames, settings } from "../../../components/settings.ts";

/** What is wrong, what it changes in a valid configuration, and every sentence that it is answered with. */
export type Wrong = readonly [what: string, change: Record<string, unknown>, ...answers: string[]];

// What is a folder may be added without a change here.
const folders = (pattern: string, part: number) =>
  [...new Set(globSync(pattern).map((path) => path.split("/")[part]))].sort().join(", ");
export const systems = readdirSync("images/os").sort().join(", ");
export const frameworks = folders("images/*/*/requirements.txt", 1);
export const flasks = folders("images/flask/*/requirements.txt", 2);
export const sources = keysOf(settings.sources as z.ZodType).join(", ");
export const all = settingNames.all.join(", ");

export const sha = "0".repeat(64);
export const commit = "0".repeat(40);
export const git = "https://git.example.com/a.git";
export const app = { name: "flask-helloworld", version: "1.0.0", framework: "flask" };
export const onApp = (change: object) => ({ applications: [{ ...app, ...change }] });
export const onSystem = (change: object) => ({
  systems: [{ name: "debian", version: "13", base: { mmdebstrap: "trixie" }, ...change }],
});
export const onPyenv = (change: object) => ({
  pyenvs: [{ version: "2.7.1", source: { git, commit }, ...change }],
});
export const source = (change: object) => ({ sources: change });
export const remote = { embedded: false, address: "registry.example.com" };
export const long = "x".repeat(200);
