import { builderName } from "../../components/builderSettings.ts";
import { stopBuilder } from "../machine/builder.ts";
import { checkDocker, stopDocker } from "../machine/docker.ts";
import { checkPulumi } from "../machine/pulumi.ts";
import type { Options } from "../options.ts";
import { BAKE_LABEL, removeBaked, STACK_LABEL } from "../program/containers.ts";
import { readStack } from "../program/stack.ts";
import { ensureState } from "../program/state.ts";
import { inherit, must, run } from "../tools/exec.ts";
import { GroundError, say } from "../tools/log.ts";

/** `npm run down`: removes what `up` and `bake` made for a stack, and ends what they started. */
export async function down(options: Options): Promise<number> {
  const stacks = options.stack === undefined ? ["dev", "restricted"] : [options.stack];
  const engine = await checkDocker();
  if (!engine.ok) throw new GroundError(engine.text);
  for (const name of stacks) await remove(name);
  if (await othersAreUp()) return 0;
  await stopBuilder(builderName(readStack(stacks[0] as string).config.builder));
  say("builder", "ended, its cache kept");
  if (await stopDocker()) say("docker", "ended, as `npm run up` had started it");
  return 0;
}

/** Whether another stack, of this checkout or another, still runs on this machine. */
async function othersAreUp(): Promise<boolean> {
  for (const label of [STACK_LABEL, BAKE_LABEL]) {
    const { stdout } = await must("docker", ["ps", "--quiet", "--filter", `label=${label}`]);
    if (stdout.trim() !== "") return true;
  }
  return false;
}

async function remove(name: string): Promise<void> {
  const { config } = readStack(name);
  const pulumi = await checkPulumi();
  if (pulumi.found) {
    const { env } = ensureState();
    const there = await run(pulumi.command, ["stack", "export", "--stack", name], { env });
    const resources = there.code === 0 ? (JSON.parse(there.stdout).deployment?.resources ?? []) : [];
    if (resources.some((resource: { protect?: boolean }) => resource.protect)) {
      throw new GroundError(
        `Stack ${name} is protected and nothing of it was removed: set \`catalog:protect: false\` in Pulumi.${name}.yaml and ` +
          `run \`npm run up -- --stack ${name}\`; then \`npm run down\` removes it.`,
      );
    }
    if (resources.length > 0) {
      const code = await inherit(pulumi.command, ["destroy", "--yes", "--skip-preview", "--stack", name], {
        env,
      });
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
