import type { Row, Survey } from "./survey.ts";

const HEAD = ["LAYER", "WHAT", "PINNED", "NEWEST PATCH", "NEWEST", "LOOKED UP IN"];

/** A survey as people read it: a table, who did not answer, what to write beside newer versions, a sentence. */
export function tableOf({ rows, unreached }: Survey): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const pins = [...new Set(rows.flatMap((row) => row.pins))];
  return [
    ...lines,
    ...(unreached.length > 0 ? [""] : []),
    ...unreached.map(({ place, reason }) => `? ${place} gave no answer: ${reason}`),
    ...(pins.length > 0 ? ["", "To pin what is newer:", ...pins.map((pin) => `  ${pin}`)] : []),
    "",
    sentence(rows),
    "",
  ].join("\n");
}

/** A repeated layer is said once by its first row; a version that is the pinned one is a dot. */
function cellsOf(row: Row, at: number, rows: readonly Row[]): string[] {
  const { layer, name, pinned, patch, newest, place, notes, state } = row;
  const version = (each: string | undefined) => {
    if (state === "unknown") return "?";
    return each === undefined ? "" : each === pinned ? "·" : each;
  };
  const said = [...(place === undefined ? [] : [place]), ...notes].join("; ");
  return [rows[at - 1]?.layer === layer ? "" : layer, name, pinned, version(patch), version(newest), said];
}

function sentence(rows: readonly Row[]): string {
  const count = (state: Row["state"]) => rows.filter((row) => row.state === state).length;
  const parts = [`${count("outdated")} of ${rows.length} have something newer`];
  if (count("unknown") > 0) parts.push(`${count("unknown")} could not be looked up`);
  return `${parts.join(", ")}; a dot stands for the pinned version.`;
}
