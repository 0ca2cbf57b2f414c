import { emptyBuilder } from "../machine/emptyBuilder.ts";
import { type Copy, inCopy } from "./copy.ts";
import type { Bench, Figure } from "./figures.ts";
import { realChain } from "./realChain.ts";
import { bakeOf, cold, coldRow, inTurns, type Sides } from "./turns.ts";

const NAME = "flask-helloworld";

/** The real chain beside `docker buildx bake`, from nothing: each side has a builder that has built nothing. */
export function chain(bench: Bench): Promise<Figure[]> {
  return inCopy(async (copy) => {
    const first = coldRow();
    for (let i = 1; i < bench.repeat; i++) {
      await fromNothing(bench, copy, `chain-${i}`, (sides) => cold(sides, first));
    }
    const { rows, remark } = await fromNothing(bench, copy, "chain", async (sides) => {
      await cold(sides, first);
      return await inTurns(sides);
    });
    return [
      {
        title: "The real chain, the catalog and `docker buildx bake`",
        method:
          "Debian, pyenv, CPython, Flask and the application, by the catalog and by one call of `bake` with the same Dockerfiles, " +
          "each on a builder of its own that has built nothing; both push to one registry on this machine.",
        sides: ["catalog", "bake"],
        unit: "s",
        rows: [first, ...rows],
        remarks: [remark],
      },
    ];
  });
}

/** Does work with the chain and two builders that have built nothing. */
async function fromNothing<T>(
  bench: Bench,
  copy: Copy,
  name: string,
  work: (sides: Sides) => Promise<T>,
): Promise<T> {
  const catalog = await realChain(bench, copy, {}, name);
  const [own, other] = [`${catalog.stack}-1`, `${catalog.stack}-2`] as const;
  const builders = [await emptyBuilder(own, bench.running), await emptyBuilder(other, bench.running)];
  await catalog.pulumi(["config", "set", "builder", own]);
  const bake = bakeOf(bench, catalog, other);
  try {
    const application = { name: NAME, file: `images/${NAME}/app/helloworld.py` };
    return await work({ bench, catalog, bake, application });
  } finally {
    bake.remove();
    for (const builder of builders) await builder.stop();
  }
}
