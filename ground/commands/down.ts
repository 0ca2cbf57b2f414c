import { builderName } from "../../components/builderSettings.ts";
import { stopBuilder } from "../machine/builder.ts";
import { checkDocker, stopDocker } from "../machine/docker.ts";
import { checkPulumi } from "../machine/pulumi.ts";
import { otherUsers } from "../machine/users.ts";
import type { Options } from "../options.ts";
import { BAKE_LABEL, removeBaked, STACK_LABEL } from "../program/containers.ts";
import { withProviders } from "../program/login.ts";
import { readStack } from "../program/stack.ts";
import { ensureState } from "../program/state.ts";
import { inherit, must, run } from "../tools/exec.ts";
import { GroundError, note, say } from "../tools/log.ts";

/** `npm run down`: removes what `up` and `bake` made for a stack, and ends what they started. */
export async function down(options: Options): Promise<number> {
  const stacks = options.stack === undefined ? ["dev", "restricted"] : [options.stack];
  const engine = await checkDocker();
  if (!engine.ok) throw new GroundError(engine.text);
  for (const name of stacks) await remove(name);
  const users = otherUsers();
  const why = users.length > 0 ? `another run uses it (pid ${users.join(", ")})` : await othersAreUp();
  if (why) {
    note("builder", `left running, as ${why}`);
    return 0;
  }
  const ended = await stopBuilder(builderName(readStack(stacks[0] as string).config.builder));
  if (ended) say("builder", "ended, its cache kept");
  if (await stopDocker()) say("docker", "ended, as `npm run up` had started it");
  return 0;
}

/** Says which other stack, of this checkout or another, still runs on this machine; undefined where none does. */
async function othersAreUp(): Promise<string | undefined> {
  for (const label of [STACK_LABEL, BAKE_LABEL]) {
    const format = ["--format", `{{.Label "${label}"}}`];
    const { stdout } = await must("docker", ["ps", "--filter", `label=${label}`, ...format]);
    const [stack] = stdout.split("\n");
    if (stack) return `the stack ${stack} is up`;
  }
  return undefined;
}

async function remove(name: string): Promise<void> {
  const stack = readStack(name);
  const { config } = stack;
  const pulumi = await checkPulumi();
  if (pulumi.found) {
    const state = ensureState();
    const { env } = state;
    const there = await run(pulumi.command, ["stack", "export", "--stack", name], { env });
    const resources = there.code === 0 ? (JSON.parse(there.stdout).deployment?.resources ?? []) : [];
    if (resources.some((resource: { protect?: boolean }) => resource.protect)) {
      throw new GroundError(
        `Stack ${name} is protected and nothing of it was removed: set \`catalog:protect: false\` in Pulumi.${name}.yaml and ` +
          `run \`npm run up -- --stack ${name}\`; then \`npm run down\` removes it.`,
      );
    }
    if (resources.length > 0) {
      const destroy = ["destroy", "--yes", "--skip-preview", "--stack", name];
      const code = await withProviders(stack, state, ({ env }) => inherit(pulumi.command, destroy, { env }));
      if (code !== 0) throw new GroundError("`pulumi destroy` failed; its own message is above.");
    }
  }
  await removeBaked(name);
  if (config.registry.embedded) await forgetImages(`${config.registry.address}/${config.namespace}/*`);
  say("stack", `${name}: nothing of it is left`);
}

/** Pulled images keep the layers of a registry that is gone. By name: another stack may run the same image. */
async function forgetImages(pattern: string): Promise<void> {
  const format = "{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}";
  const list = ["image", "ls", "--digests", "--format", format, "--filter", `reference=${pattern}`];
  const { stdout } = await must("docker", list);
  // What was pulled by tag has two names, and keeps the one that is not removed.
  const names = new Set(stdout.split("\n").filter((name) => name && !name.endsWith("<none>")));
  if (names.size > 0) await run("docker", ["image", "rm", ...names]);
}
