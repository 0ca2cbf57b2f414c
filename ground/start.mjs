// The first step of every command, in JavaScript that an old Node understands: installs the project's packages
// where they are missing, the right Node among them, and hands over to that Node.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = join(root, "node_modules", ".image-catalog");
const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  // Standard output is the command's own: some print what programs read.
  console.error("· packages  npm ci, about 20 seconds…");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error("✗ packages  `npm ci` failed; is the npm registry reachable? Its own message is above.");
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

// The npm package `node` is the Node that the project is tested with; some platforms have none of it.
const bin = join(root, "node_modules", ".bin");
const own = join(root, "node_modules", "node", "bin", "node");
const node = existsSync(own) ? own : process.execPath;
const child = spawn(node, [join(root, "ground", "cli.ts"), ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) },
});
// The terminal sends Ctrl-C to the child as well, which decides when to end.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
