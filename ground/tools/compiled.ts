import { resolve } from "node:path";

/** Where Node keeps what it has compiled of the project and its packages: https://nodejs.org/api/module.html#module-compile-cache */
export const COMPILED = resolve(import.meta.dirname, "../../node_modules/.cache/compiled");
