import { type Found, findPulumi } from "../machine/pulumi.ts";
import type { Options } from "../options.ts";
import { causeOf } from "../program/cause.ts";
import { BAKE_LABEL, STACK_LABEL } from "../program/containers.ts";
import { type Exported, pushedTags, restoreTags } from "../program/drift.ts";
import { withEvents } from "../program/events.ts";
import { explain, outcomeOf } from "../program/failures.ts";
import { layersOf } from "../program/layers.ts";
import { loginOf, withProviders } from "../program/login.ts";
import { checkProgram } from "../program/policies.ts";
import { promotedLayers } from "../program/promotions.ts";
import { record } from "../program/record.ts";
import type { Images } from "../program/sizes.ts";
import { ENV_FILE, ensureStack, ensureState, repairStack, type State } from "../program/state.ts";
import { must } from "../tools/exec.ts";
import { GroundError, say, warn } from "../tools/log.ts";
import { isReachable, type Login } from "../tools/registry.ts";
import { bake } from "./bake.ts";
import { checkRegistry, type Ground, prepare } from "./prepare.ts";
import { report } from "./report.ts";

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
  const login = await loginOf(pulumi, state, ground.stack);
  await checkRegistry(ground.stack, login, ground.builder);

  await withProviders(ground.stack, state, async (state) => {
    const gone = options.refresh ? await refresh(pulumi, state, ground, login) : [];
    await update(pulumi, state, ground, login, gone);
  });
  const { stdout } = await must(pulumi.command, ["stack", "output", "--json", "--stack", ground.stack.name], {
    env: state.env,
  });
  const { images, serviceUrl } = JSON.parse(stdout) as { images: Images; serviceUrl?: string | null };
  const answers = await report(images, ground.stack.config, login, serviceUrl);
  process.stdout.write(`\nFrom here on: \`. ${ENV_FILE}\`, then \`pulumi preview\` and \`pulumi up\`.\n`);
  return answers ? 0 : 1;
}

/**
 * Looks at what registry and engine really have.
 * @returns the URNs of images that are gone, to be made again.
 */
async function refresh(
  pulumi: Found,
  state: State,
  ground: Ground,
  login: Login,
): Promise<readonly string[]> {
  const { stack } = ground;
  // Of images the provider sees less, and it takes a second for each; in a registry without TLS it sees nothing.
  const args = ["refresh", "--yes", "--skip-preview", "--exclude", "**docker-build:index:*::**"];
  const { code, events } = await withEvents(pulumi, state, stack, args);
  if (code !== 0) throw new GroundError(`${causeOf("refresh", events)} Nothing that was there is lost.`);
  // A registry of this stack's own may be what somebody has stopped.
  if (stack.config.registry.embedded && !(await isReachable(login)))
    await update(pulumi, state, ground, login);
  const { stdout } = await must(pulumi.command, ["stack", "export", "--stack", stack.name], state);
  const pushed = pushedTags(JSON.parse(stdout) as Exported);
  const { found, gone } = await restoreTags(login, pushed);
  for (const text of found) warn("drift", text);
  if (found.length === 0) say("drift", `none: ${pushed.length} tags point at what the state says`);
  return gone;
}

/**
 * `pulumi up` on this terminal; what fails does not stop what does not stand on it.
 * @param gone the URNs of what is made again though nothing of it has changed.
 */
async function update(
  pulumi: Found,
  state: State,
  { stack }: Ground,
  { password }: Login,
  gone: readonly string[] = [],
): Promise<void> {
  await checkProgram(stack, password);
  if (!stack.config.registry.embedded) await askFirst(pulumi, state, stack);
  const args = [
    "up",
    "--yes",
    "--skip-preview",
    "--continue-on-error",
    ...gone.map((urn) => `--replace=${urn}`),
  ];
  const { code, events } = await withEvents(pulumi, state, stack, args);
  if (code === 0) return;
  if (events.some(({ resOpFailedEvent }) => resOpFailedEvent)) {
    const { from, only } = stack.config.promote;
    const layers =
      from === undefined ? layersOf(await record(stack, password)) : promotedLayers(events, only);
    const { built, failures } = outcomeOf(layers, events);
    throw new GroundError(explain(layers, built, failures, from === undefined ? "build" : "promote"));
  }
  throw new GroundError(`${causeOf("up", events)} Nothing that was there is lost.`);
}

/** A preview says all version tags at once that may not be pushed to; an update would have built something by then. */
async function askFirst(pulumi: Found, state: State, stack: Ground["stack"]): Promise<void> {
  const { code, events } = await withEvents(pulumi, state, stack, ["preview"]);
  if (code === 0) return;
  const { from } = stack.config.promote;
  throw new GroundError(
    `${causeOf("preview", events)} Nothing was ${from === undefined ? "built" : "promoted"}.`,
  );
}
