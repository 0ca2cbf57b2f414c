import { inLine, type Parents } from "../../components/promotion.ts";
import type { EngineEvent, Step } from "./events.ts";
import type { Layer } from "./layers.ts";

/** In the URNs of the resources that promote images, one for each tag. */
const PROMOTED = "catalog:image:Promoted$docker-build:index:Index::";
const REFERENCE = "pulumi:pulumi:StackReference";

/** An image that is promoted, and the short digests from which and to which its tag moves. */
export interface Move {
  /** The layer's name. */
  readonly name: string;
  /** Undefined for an image that is not there yet. */
  readonly from: string | undefined;
  readonly to: string;
}

/** What a preview says of images that are promoted. */
export interface Promotions {
  /** Every image that moves, in the order of the events. */
  readonly moves: readonly Move[];
  /** How many images the stack has afterwards. */
  readonly kept: number;
  /** How many images leave the stack. */
  readonly dropped: number;
  /** The stack that they come from. */
  readonly from: string;
  /** The moves that do not follow from that of a parent. */
  readonly roots: readonly Move[];
}

/** The promotions that a preview lists; undefined where the stack promotes nothing. */
export function promotionsOf(events: readonly EngineEvent[]): Promotions | undefined {
  const layers = new Map<string, Step[]>();
  for (const { resourcePreEvent: event } of events) {
    if (!event?.metadata.urn.includes(PROMOTED)) continue;
    const name = (event.metadata.urn.split("::").at(-1) as string).replace(/-index(-\d+)?$/, "");
    layers.set(name, [...(layers.get(name) ?? []), event.metadata]);
  }
  if (layers.size === 0) return undefined;
  const dropped = [...layers.values()].filter((tags) => tags.every(({ op }) => op === "delete")).length;
  const moves = [...layers].flatMap(([name, tags]) => moveOf(name, tags));
  const moved = new Set(moves.map(({ name }) => name));
  const { from, images } = sourceOf(events);
  return {
    moves,
    kept: layers.size - dropped,
    dropped,
    from,
    roots: moves.filter(({ name }) => !moved.has(images[name]?.parent ?? "")),
  };
}

/** The layers that an update promotes, whether it has come to them or not. */
export function promotedLayers(events: readonly EngineEvent[], only?: readonly string[]): Layer[] {
  const { images } = sourceOf(events);
  return inLine(images, only).map((name) => ({
    name,
    resource: `${name}-index`,
    parents: [images[name]?.parent ?? []].flat(),
  }));
}

/** A replacement has three steps, and each tag has its own. */
function moveOf(name: string, tags: readonly Step[]): Move[] {
  const step = tags.find(({ op }) => ["create", "update", "replace"].includes(op));
  if (step === undefined) return [];
  const before = tags.find(({ old }) => old)?.old;
  const [from, to] = [before ? digestOf(before) : undefined, digestOf(step.new)];
  return from === to ? [] : [{ name, from, to }];
}

/** The short digest of what an index is made from. */
function digestOf(side: Step["new"]): string {
  const [source = ""] = (side?.inputs?.sources ?? []) as string[];
  return source.replace(/^.*@sha256:/, "").slice(0, 12);
}

/** The stack that images come from, and its images by name. */
function sourceOf(events: readonly EngineEvent[]) {
  const steps = events.flatMap(({ resOutputsEvent: event }) => event?.metadata ?? []);
  const step = steps.find(({ type }) => type === REFERENCE);
  const { images = {} } = (step?.new?.outputs?.outputs ?? {}) as { images?: Parents };
  return { from: step?.urn.split("::").at(-1) ?? "another stack", images };
}
