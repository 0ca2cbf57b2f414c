import type { EngineEvent, Step } from "./events.ts";
import { type Promotions, promotionsOf } from "./promotions.ts";

/** The inputs of docker-build:index:Image that tell why it changes. */
interface ImageInputs {
  readonly buildArgs?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly context?: { location?: string; named?: Record<string, { location?: string }> };
}

const IMAGE = "docker-build:index:Image";
const CONTAINER = "docker:index/container:Container";
const TITLE = "org.opencontainers.image.title";
const BASE = "org.opencontainers.image.base.name";
const VERSION = "org.opencontainers.image.version";

/**
 * What a preview comes to, in one sentence.
 * @example "python 3.13.5 → 3.13.15: rebuilds 4 of 6 images, replaces 1 container"
 */
export function describeChanges(events: readonly EngineEvent[]): string {
  const steps = events.flatMap(({ resourcePreEvent: event }) => event?.metadata ?? []);
  const images = steps.filter(({ type }) => type === IMAGE);
  const of = (op: string) => images.filter((step) => step.op === op);
  const kept = images.filter(({ op }) => op !== "delete").length;
  const promotions = promotionsOf(events);
  const dropped = of("delete").length + (promotions?.dropped ?? 0);
  const replaced = steps.filter(({ type, op }) => type === CONTAINER && op === "replace").length;
  const effects = [
    promotions ? promoting(promotions) : "",
    of("create").length > 0 ? `builds ${count(of("create").length, "new image")}` : "",
    of("update").length > 0 ? `rebuilds ${of("update").length} of ${count(kept, "image")}` : "",
    dropped > 0 ? `drops ${count(dropped, "image")}, kept in the registry` : "",
    replaced > 0 ? `replaces ${count(replaced, "container")}` : "",
  ].filter(Boolean);
  if (effects.length === 0)
    return steps.some(({ op }) => op !== "same") ? "No image changes" : "Nothing changes";
  const causes = promotions ? promoted(promotions) : [];
  if (kept > of("create").length) causes.push(...comings(of("create"), of("delete")));
  causes.push(...of("update").flatMap(causeOf));
  // The images for each platform, and the variants of one, have the same cause.
  const all = [...new Set(causes)].join("; ");
  return [all ? `${all}: ` : "", effects.join(", ")].join("");
}

/** `promotes 3 of 15 images from dev` */
function promoting({ moves, kept, from }: Promotions): string {
  if (moves.length === 0) return "";
  const some = moves.length < kept ? `${moves.length} of ` : "";
  return `promotes ${some}${count(kept, "image")} from ${from}`;
}

/** What is promoted for a reason of its own; nothing where all of it is new. */
function promoted({ moves, kept, roots }: Promotions): string[] {
  if (moves.length === kept && moves.every(({ from }) => from === undefined)) return [];
  return roots.map(({ name, from, to }) =>
    from === undefined ? `${name} added` : `${name} ${from} → ${to}`,
  );
}

/** What comes and goes for a reason of its own, and not because its parent does: `python 3.14.0 added`. */
function comings(created: readonly Step[], deleted: readonly Step[]): string[] {
  const added = roots(created, "new");
  const removed = roots(deleted, "old");
  const moved = added.flatMap(({ title, version }) => {
    // A layer's name has its series: 2.5 to 2.7 is another layer.
    const before = removed.find((image) => image.title === title);
    if (before) removed.splice(removed.indexOf(before), 1);
    if (before?.version === version) return [];
    return before ? [`${title} ${before.version} → ${version}`] : [`${title} ${version} added`];
  });
  return [...moved, ...removed.map(({ title, version }) => `${title} ${version} removed`)];
}

/** The images whose parents are not among them, each once, for however many platforms. */
function roots(steps: readonly Step[], side: "old" | "new") {
  const images = steps.map((step) => {
    const labels = (step[side]?.inputs as ImageInputs | undefined)?.labels ?? {};
    const tag = Object.entries(labels).find(([label]) => label.endsWith(".repository.tag"))?.[1];
    return { title: labels[TITLE], version: labels[VERSION], tag, base: labels[BASE] };
  });
  const names = new Set(images.map(({ title, tag }) => `${title}:${tag}`));
  const found = images.filter(({ base }) => !names.has(`${base}`));
  return [...new Map(found.map((image) => [`${image.title}:${image.tag}`, image])).values()];
}

/** Why an image is rebuilt, where the reason is its own; nothing where it only follows its parent. */
function causeOf(step: Step): string[] {
  const before: ImageInputs = step.old?.inputs ?? {};
  const after: ImageInputs = step.new?.inputs ?? {};
  const title = after.labels?.[TITLE] ?? step.urn.split("::").at(-1);
  const [from, to] = [before.labels?.[VERSION], after.labels?.[VERSION]];
  if (from !== to) return [`${title} ${from} → ${to}`];
  const named = (inputs: ImageInputs) =>
    Object.fromEntries(
      Object.entries(inputs.context?.named ?? {}).map(([name, { location }]) => [name, location]),
    );
  const reasons = [
    before.context?.location !== after.context?.location ? ["its files"] : [],
    differing(named(before), named(after)).map((name) => `source ${name}`),
    differing(before.buildArgs, after.buildArgs).filter((name) => name !== "PARENT" && name !== "BUILDER"),
    differing(before.labels, after.labels)
      .filter((name) => !followsParent(name))
      .map((name) => `label ${name}`),
  ].flat();
  return reasons.length > 0 ? [`${title} (${reasons.join(", ")})`] : [];
}

/** Labels that change with a parent: its name and digest, and the line of descent in the tag. */
const followsParent = (label: string) => /\.image\.base\.(name|digest)$|\.repository\.tag$/.test(label);

function differing(before: Record<string, unknown> = {}, after: Record<string, unknown> = {}): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).sort();
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
