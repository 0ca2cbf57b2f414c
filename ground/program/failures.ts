import { reasonOf } from "../tools/buildLog.ts";
import type { EngineEvent } from "./events.ts";
import { type Layer, lineOf } from "./layers.ts";

/** What could not be made. */
export interface Failure {
  /** The layer's name, or another resource's. */
  readonly name: string;
  /** What its builder or its provider has said. */
  readonly log: string;
}

/** How a layer comes about. */
const verbs = { build: ["built", "builds"], promote: ["promoted", "promotes"] } as const;

/**
 * What has failed and what has not been attempted for it, in words that are the same whoever builds.
 * @param built the names of the layers that are there.
 */
export function explain(
  layers: readonly Layer[],
  built: ReadonlySet<string>,
  failures: readonly Failure[],
  work: keyof typeof verbs = "build",
): string {
  const [done, does] = verbs[work];
  const failed = new Set(failures.map(({ name }) => name));
  const missing = layers.filter(({ name }) => !built.has(name) && !failed.has(name));
  const above = (below: string) => missing.filter((layer) => lineOf(layers, layer).includes(below));
  const lines = failures.flatMap(({ name, log }) => {
    const waiting = above(name).map((layer) => layer.name);
    const line = `  - ${name}: ${reasonOf(log)}`;
    return waiting.length > 0 ? [line, `    Not attempted because of it: ${some(waiting)}.`] : [line];
  });
  const others = missing.filter((layer) => !lineOf(layers, layer).some((below) => failed.has(below)));
  const rest =
    others.length > 0
      ? `Not attempted: ${some(others.map(({ name }) => name))}. Nothing that was there is lost.`
      : `All else is ${done}, and nothing that was there is lost.`;
  return [
    `Not everything could be ${done}:`,
    ...lines,
    `${rest} The same command ${does} what is missing.`,
  ].join("\n");
}

/** Names, all of them where they are few. */
function some(names: readonly string[]): string {
  const shown = names.length > 8 ? names.slice(0, 6) : names;
  const more = names.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** What an engine's events say of an update: the layers that are there, and what has failed. */
export function outcomeOf(
  layers: readonly Layer[],
  events: readonly EngineEvent[],
): { built: Set<string>; failures: Failure[] } {
  const resource = (urn: string) => urn.split("::").at(-1) as string;
  const layerOf = (name: string) => layers.find((layer) => layer.resource === name)?.name;
  const failures = events.flatMap(({ resOpFailedEvent: event }) => {
    if (!event) return [];
    const { urn } = event.metadata;
    const log = events.flatMap(({ diagnosticEvent: said }) =>
      said?.urn === urn && said.severity !== "debug" ? said.message : [],
    );
    return [{ name: layerOf(resource(urn)) ?? resource(urn), log: log.join("") }];
  });
  const built = events.flatMap(({ resOutputsEvent: event }) =>
    event ? (layerOf(resource(event.metadata.urn)) ?? []) : [],
  );
  return { built: new Set(built), failures };
}
