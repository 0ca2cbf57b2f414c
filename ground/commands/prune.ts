import { findPulumi } from "../machine/pulumi.ts";
import type { Options } from "../options.ts";
import { loginOf } from "../program/login.ts";
import { type OrphanImage, orphanImages, type Tagged } from "../program/orphanImages.ts";
import { type References, referencesOfStacks } from "../program/references.ts";
import { readStack, type Stack } from "../program/stack.ts";
import { ensureState } from "../program/state.ts";
import { accessChecks, need } from "../registry/checks.ts";
import { GroundError, note, say } from "../tools/log.ts";
import { deleteManifest, type Login, manifestOf, repositoriesOf, tagsOf } from "../tools/registry.ts";
import { selected } from "./preview.ts";
import { table } from "./report.ts";

/** So many tags are asked for at once. */
const AT_ONCE = 8;

/** `npm run prune`: the images of a stack's registry that no stack refers to; deletes them where it is told to. */
export async function prune(options: Options): Promise<number> {
  const pulumi = await findPulumi();
  if (!pulumi.found) throw new GroundError(pulumi.why);
  const state = ensureState();
  const stack = readStack(options.stack ?? (await selected(pulumi, state)));
  const login = await loginOf(pulumi, state, stack);
  await need(accessChecks(stack, login));

  const references = await referencesOfStacks(pulumi, state);
  say("stacks", `${references.stacks.join(", ")} (state: ${state.text})`);
  note("stacks", "who else refers to an image is not seen: other backends and projects, `npm run bake`");
  const repositories = await repositoriesIn(stack, login, references);
  const tagged = (await Promise.all(repositories.map((repository) => taggedIn(login, repository)))).flat();
  say(
    "registry",
    `${login.address}/${stack.config.namespace}: ${count(tagged.length, "tag")} in ${repositories.length} repositories`,
  );

  const orphans = orphanImages(login.address, tagged, references);
  if (orphans.length === 0) {
    process.stdout.write("\nEvery image is referred to by a stack.\n");
    return 0;
  }
  process.stdout.write(`\n${table([["image", "tags", "digest", "compressed"], ...orphans.map(row)])}\n\n`);
  if (!options.delete) {
    process.stdout.write(
      `No stack refers to ${count(orphans.length, "image")}; nothing is deleted. \`npm run prune -- --stack ${stack.name} --delete\` does it.\n`,
    );
    return 0;
  }
  for (const { repository, digest } of orphans) await deleteManifest(login, repository, digest);
  process.stdout.write(
    `${count(orphans.length, "image")} deleted. The registry's own garbage collection frees the disk: ${howToCollect(stack)}.\n`,
  );
  return 0;
}

/** The repositories of a stack's namespace: those that the registry lists, else those that stacks have pushed to. */
async function repositoriesIn({ config }: Stack, login: Login, references: References): Promise<string[]> {
  const listed = await repositoriesOf(login);
  if (!listed)
    note(
      "registry",
      `${login.address} does not list its repositories; looking at those that stacks have pushed to`,
    );
  const pushed = [...references.tags]
    .filter((tag) => tag.startsWith(`${login.address}/`))
    .map((tag) => tag.slice(login.address.length + 1, tag.lastIndexOf(":")));
  const prefix = `${config.namespace}/`;
  return [...new Set(listed ?? pushed)]
    .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"))
    .sort();
}

async function taggedIn(login: Login, repository: string): Promise<Tagged[]> {
  const tags = (await tagsOf(login, repository)) ?? [];
  const found: Tagged[] = [];
  for (let i = 0; i < tags.length; i += AT_ONCE) {
    const looked = tags.slice(i, i + AT_ONCE).map(async (tag) => {
      const manifest = await manifestOf(login, repository, tag);
      return manifest ? { ...manifest, repository, tag } : [];
    });
    found.push(...(await Promise.all(looked)).flat());
  }
  return found;
}

const row = ({ repository, tags, digest, size }: OrphanImage) => [
  repository.slice(repository.lastIndexOf("/") + 1),
  tags.join(" "),
  digest.slice(7, 19),
  size === undefined ? "?" : `${(size / 1e6).toFixed(1)} MB`,
];

/** https://distribution.github.io/distribution/about/garbage-collection/ */
function howToCollect({ config }: Stack): string {
  if (!config.registry.embedded) return "`registry garbage-collect`, or what its operator has set up";
  const container = `$(docker ps -q --filter publish=${config.registry.address.split(":")[1]})`;
  return `\`docker exec ${container} registry garbage-collect --delete-untagged /etc/distribution/config.yml\``;
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
