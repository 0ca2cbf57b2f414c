import { enableCompileCache } from "node:module";
import { parseArgs } from "node:util";
import type { Options } from "./options.ts";
import { COMPILED } from "./tools/compiled.ts";
import { GroundError } from "./tools/log.ts";

const help = `Usage: npm run <command> [-- options]

  up      set the machine up, build and push what has changed, run the service
            --stack NAME  the stack (default dev; restricted where the image registry cannot be reached)
            --engine      fail where there is no Pulumi, instead of building without it
            --refresh     look first at what registry and engine really have, and put it right
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
  reproduce  build images twice on empty builders and compare them; says which files differ
            IMAGE         only these, by a layer's name or the beginning of it (default all)
            --stack NAME
  docs    write docs/configuration.md, the reference of all settings
  test    unit, image and end-to-end tests
            --only NAME   one of unit, image, e2e
  bench   time the catalog beside others, with images of its own, and remove them
            NAME          only these of bare, trees, chain, cache, sizes, python and service (default all;
                          those with the real chain compile CPython, and python once more, optimized)
            --images N    how many images the trees have (default: each benchmark's own)
            --repeat N    how often everything is done that can be done again (default 3)
            --json        for programs, with every time that was taken
            --write       write docs/benchmarks.json and docs/benchmarks.md
`;

/** Each is loaded when it is called: half a second of packages that the others do not need. */
const commands = {
  up: async (options: Options) => (await import("./commands/up.ts")).up(options),
  preview: async (options: Options) => (await import("./commands/preview.ts")).preview(options),
  down: async (options: Options) => (await import("./commands/down.ts")).down(options),
  doctor: async (options: Options) => (await import("./commands/doctor.ts")).doctor(options),
  bake: async (options: Options) => (await import("./commands/bake.ts")).bake(options),
  lock: async (options: Options) => (await import("./commands/lock.ts")).lock(options),
  outdated: async (options: Options) => (await import("./commands/outdated.ts")).outdated(options),
  prune: async (options: Options) => (await import("./commands/prune.ts")).prune(options),
  reproduce: async (options: Options) => (await import("./commands/reproduce.ts")).reproduce(options),
  docs: async () => (await import("./commands/docs.ts")).docs(),
  test: async (options: Options) => (await import("./commands/test.ts")).test(options),
  bench: async (options: Options) => (await import("./commands/bench.ts")).bench(options),
};

const allowed: Record<keyof typeof commands, readonly (keyof Options)[]> = {
  up: ["stack", "engine", "refresh"],
  preview: ["stack"],
  down: ["stack"],
  doctor: ["stack"],
  bake: ["stack", "build"],
  lock: ["args"],
  outdated: ["stack", "json"],
  prune: ["stack", "delete"],
  reproduce: ["stack", "args"],
  docs: [],
  test: ["only"],
  bench: ["images", "repeat", "json", "write", "args"],
};

async function main(argv: string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || rest.includes("--help") || rest.includes("-h") || !(name in commands)) {
    process.stdout.write(help);
    return name === undefined || name in commands ? 0 : 2;
  }
  const command = name as keyof typeof commands;
  compileOnce();
  return await commands[command](parse(command, rest));
}

/** Has Node, here and in the programs that are started from here, keep what it has compiled of packages. */
function compileOnce(): void {
  process.env.NODE_COMPILE_CACHE ??= COMPILED;
  enableCompileCache();
}

/** What a command takes without a name. */
const names: Partial<Record<keyof typeof commands, string>> = {
  lock: "NAME VERSION",
  reproduce: "IMAGE …",
  bench: "NAME …",
};

function parse(command: keyof typeof commands, args: string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: allowed[command].includes("args"),
      options: {
        stack: { type: "string" },
        engine: { type: "boolean" },
        refresh: { type: "boolean" },
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
    const options = allowed[command].map((o) => (o === "args" ? names[command] : `--${o}`)).join(", ");
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
