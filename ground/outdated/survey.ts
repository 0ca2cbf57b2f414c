import { GroundError } from "../tools/log.ts";
import { NoAnswer } from "./guarded.ts";
import { type Indexes, lookUp, placeOf } from "./lookUp.ts";
import type { Outside } from "./outside.ts";
import type { Pin } from "./pins.ts";

/** A pin and what was found; without `patch` and `newest` where nobody answered. */
export interface Row {
  readonly layer: string;
  readonly name: string;
  readonly pinned: string;
  readonly patch?: string;
  readonly newest?: string;
  /** Where it was looked up; undefined where there is nobody to ask. */
  readonly place?: string;
  readonly notes: readonly string[];
  readonly pins: readonly string[];
  /** `unknown` where its source did not answer, `own` where there is nobody to ask. */
  readonly state: "current" | "outdated" | "unknown" | "own";
}

export interface Survey {
  readonly rows: readonly Row[];
  /** Who did not answer, and why: each once. */
  readonly unreached: readonly { readonly place: string; readonly reason: string }[];
}

/** Looks all pins up at once. */
export async function survey(pins: readonly Pin[], ask: Outside, indexes: Indexes): Promise<Survey> {
  const unreached = new Map<string, string>();
  const rows = await Promise.all(pins.map((pin) => rowOf(pin, ask, indexes, unreached)));
  return { rows, unreached: [...unreached].map(([place, reason]) => ({ place, reason })) };
}

async function rowOf(pin: Pin, ask: Outside, indexes: Indexes, unreached: Map<string, string>): Promise<Row> {
  const { layer, name, pinned } = pin;
  const place = placeOf(pin, indexes);
  const head = { layer, name, pinned, ...(place === undefined ? {} : { place }) };
  try {
    const { patch, newest, notes = [], pins = [] } = await lookUp(pin, ask, indexes);
    const found = { ...(patch === undefined ? {} : { patch }), ...(newest === undefined ? {} : { newest }) };
    const state = place === undefined ? "own" : isOutdated(pin, found) ? "outdated" : "current";
    return { ...head, ...found, notes, pins, state };
  } catch (error) {
    if (!(error instanceof NoAnswer) && !(error instanceof GroundError)) throw error;
    const at = error instanceof NoAnswer ? error.place : (place ?? name);
    const reason = error instanceof NoAnswer ? error.reason : error.message;
    const before = unreached.get(at);
    if (!before?.includes(reason)) unreached.set(at, before === undefined ? reason : `${before}; ${reason}`);
    return { ...head, notes: [], pins: [], state: "unknown" };
  }
}

function isOutdated({ pinned, source }: Pin, { patch, newest }: { patch?: string; newest?: string }) {
  if ("lock" in source) return newest !== "0 newer";
  return [patch, newest].some((each) => each !== undefined && each !== pinned);
}
