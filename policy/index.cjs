// What Pulumi's loader begins with: it hands a .ts file to a compiler of its own, and waits for what this exports.
module.exports = import("../ground/typescript.mjs").then(() => import("./pack.ts"));
