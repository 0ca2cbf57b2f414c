import { type Found, findPulumi } from "../machine/pulumi.ts";
import type { Options } from "../options.ts";
import { BAKE_LABEL, STACK_LABEL } from "../program/containers.ts";
import { errorsOf, withEvents } from "../program/events.ts";
import { explain, outcomeOf } from "../program/failures.ts";
import { layersOf } from "../program/layers.ts";
import { promotedLayers } from "../program/promotions.ts";
import { record } from "../program/record.ts";
import { ENV_FILE, ensureStack, ensureState, repairStack, type State } from "../program/state.ts";
import { diagnose } from "../tools/diagnose.ts";
import { must } from "../tools/exec.ts";
import { GroundError, say, warn } from "../tools/log.ts";
import { bake } from "./bake.ts";
import { checkRegistry, type Ground, prepare } from "./prepare.ts";
import { type Images, report } from "./report.ts";

/** `npm run up`: sets the machine up, then `pulumi up`; without a Pulumi, on a laptop, the way of `bake`. */
export async function up(options: Options): Promise<number> {
  const pulumi = await findPulumi();
  if (!pulumi.found && options.engine) throw new GroundError(pulumi.why);
  const ground = await prepare(options, pulumi.found ? STACK_LABEL : BAKE_LABEL);
  if (!pulumi.found) {
    if (!ground.stack.config.registry.embedded) throw new GroundError(pulumi.why);
    warn("pulumi", `${pulumi.why} Building without it: no state, no preview, the same images.`);
    return await bake({ ...options, stack: ground.stack.name, build: true }, ground);
  }
  say("pulumi", `${pulumi.version}, ${pulumi.why}`);
  const state = ensureState();
  say("state", state.text);
  await ensureStack(pulumi, state, ground.stack);
  await repairStack(pulumi, state, ground.stack);
  const password = await passwordOf(pulumi, state, ground);
  await checkRegistry(ground.stack, password);

  await update(pulumi, state, ground, password);
  const { stdout } = await must(pulumi.command, ["stack", "output", "--json", "--stack", ground.stack.name], {
    env: state.env,
  });
  const { images, serviceUrl } = JSON.parse(stdout) as { images: Images; serviceUrl?: string | null };
  const answers = await report(images, { ...ground.stack.config.registry, password }, serviceUrl);
  process.stdout.write(`\nFrom here on: \`. ${ENV_FILE}\`, then \`pulumi preview\` and \`pulumi up\`.\n`);
  return answers ? 0 : 1;
}

/** `pulumi up` on this terminal; what fails does not stop what does not stand on it. */
async function update(pulumi: Found, state: State, { stack }: Ground, password: string): Promise<void> {
  if (!stack.config.registry.embedded) await askFirst(pulumi, state, stack);
  const args = ["up", "--yes", "--skip-preview", "--continue-on-error"];
  const { code, events } = await withEvents(pulumi, state, stack, args);
  if (code === 0) return;
  if (events.some(({ resOpFailedEvent }) => resOpFailedEvent)) {
    const { from, only } = stack.config.promote;
    const layers =
      from === undefined ? layersOf(await record(stack, password)) : promotedLayers(events, only);
    const { built, failures } = outcomeOf(layers, events);
    throw new GroundError(explain(layers, built, failures, from === undefined ? "build" : "promote"));
  }
  const cause = diagnose(errorsOf(events)) ?? "`pulumi up` failed; its own message is above.";
  throw new GroundError(`${cause} Nothing that was there is lost.`);
}

/** A preview says all version tags at once that may not be pushed to; an update would have built something by then. */
async function askFirst(pulumi: Found, state: State, stack: Ground["stack"]): Promise<void> {
  const { code, events } = await withEvents(pulumi, state, stack, ["preview"]);
  if (code === 0) return;
  const cause = diagnose(errorsOf(events)) ?? "`pulumi preview` failed; its own message is above.";
  throw new GroundError(`${cause} Nothing was built.`);
}

/** The password of a stack's registry. */
export async function passwordOf(
  pulumi: Found,
  state: State,
  { stack }: Pick<Ground, "stack">,
): Promise<string> {
  if (!stack.hasPassword && process.env.CATALOG_REGISTRY_PASSWORD)
    return process.env.CATALOG_REGISTRY_PASSWORD;
  const { stdout } = await must(
    pulumi.command,
    ["config", "get", "registryPassword", "--stack", stack.name],
    {
      env: state.env,
    },
  );
  return stdout.trim();
}
