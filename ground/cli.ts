import { parseArgs } from "node:util";
import { bake } from "./commands/bake.ts";
import { bench } from "./commands/bench.ts";
import { docs } from "./commands/docs.ts";
import { doctor } from "./commands/doctor.ts";
import { down } from "./commands/down.ts";
import { lock } from "./commands/lock.ts";
import { outdated } from "./commands/outdated.ts";
import { preview } from "./commands/preview.ts";
import { prune } from "./commands/prune.ts";
import { test } from "./commands/test.ts";
import { up } from "./commands/up.ts";
import type { Options } from "./options.ts";
import { GroundError } from "./tools/log.ts";

const help = `Usage: npm run <command> [-- options]

  up      set the machine up, build and push what has changed, run the service
            --stack NAME  the stack (default dev; restricted where the image registry cannot be reached)
            --engine      fail where there is no Pulumi, instead of building without it
  preview say what \`up\` would change, in one sentence at the end
            --stack NAME  the stack (default the selected one)
  down    remove what \`up\` or \`bake\` made: containers, registry, builder
            --stack NAME
  prune   list the images of a stack's registry that no stack refers to
            --stack NAME  the stack (default the selected one)
            --delete      delete them
  doctor  look at what is there and what would be chosen; changes nothing
            --stack NAME
  bake    the way without Pulumi: write docker-bake.json
            --stack NAME
            --build       build and push from it, run the service
  lock    make requirements.txt of every framework's requirements.in, with hashes
            NAME VERSION  only of this one; a new version begins as the newest one's copy
  outdated say what is newer than what a stack pins; changes nothing
            --stack NAME  the stack (default dev)
            --json        for programs
  docs    write docs/configuration.md, the reference of all settings
  test    unit, image and end-to-end tests
            --only NAME   one of unit, image, e2e
  bench   time the catalog against the bare providers, with images of its own, and remove them
            --images N    how many images (default 300)
            --repeat N    how often preview and no-op \`up\` are run (default 3)
            --json        for programs, with every time that was taken
            --write       write docs/benchmarks.md
`;

const commands = { up, preview, down, doctor, bake, lock, outdated, prune, docs, test, bench };

const allowed: Record<keyof typeof commands, readonly (keyof Options)[]> = {
  up: ["stack", "engine"],
  preview: ["stack"],
  down: ["stack"],
  doctor: ["stack"],
  bake: ["stack", "build"],
  lock: ["args"],
  outdated: ["stack", "json"],
  prune: ["stack", "delete"],
  docs: [],
  test: ["only"],
  bench: ["images", "repeat", "json", "write"],
};

async function main(argv: string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || rest.includes("--help") || rest.includes("-h") || !(name in commands)) {
    process.stdout.write(help);
    return name === undefined || name in commands ? 0 : 2;
  }
  const command = name as keyof typeof commands;
  return await commands[command](parse(command, rest));
}

function parse(command: keyof typeof commands, args: string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: allowed[command].includes("args"),
      options: {
        stack: { type: "string" },
        engine: { type: "boolean" },
        build: { type: "boolean" },
        delete: { type: "boolean" },
        json: { type: "boolean" },
        only: { type: "string" },
        images: { type: "string" },
        repeat: { type: "string" },
        write: { type: "boolean" },
      },
    });
    const unknown = Object.keys(values).find((option) => !allowed[command].includes(option as keyof Options));
    if (unknown) throw new Error(`Unknown option '--${unknown}'`);
    return { ...values, args: positionals };
  } catch (error) {
    const options = allowed[command].map((o) => (o === "args" ? "NAME VERSION" : `--${o}`)).join(", ");
    throw new GroundError(
      `${(error as Error).message.split(". ")[0]}; ${command} takes ${options || "no options"}.`,
    );
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof GroundError)) throw error;
  process.stderr.write(`✗ ${error.message}\n`);
  process.exitCode = 1;
}
