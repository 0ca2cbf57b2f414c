import { chooseStack } from "../commands/prepare.ts";
import { inCopy } from "./copy.ts";
import type { Bench, Figure } from "./figures.ts";
import { interpreterTimes, meanRatio } from "./pyperformance.ts";
import { builtChain, ofDistribution, runner } from "./runners.ts";

/** How fast Python is beside the distribution's own. */
export function python(bench: Bench): Promise<Figure[]> {
  return inCopy(async (copy) => {
    const { config } = await chooseStack();
    const optimized = { pythons: config.pythons.map((python) => ({ ...python, optimize: true })) };
    const plain = await builtChain(bench, copy, "plain");
    const profiled = await builtChain(bench, copy, "optimized", optimized);
    const other = await ofDistribution(bench, copy, plain);
    const runners = [runner("catalog, optimized", profiled), runner("catalog", plain)];

    const times = await interpreterTimes(bench, [...runners, other]);
    return runners.map(({ what }, i) => {
      const rows = [...times].map(([what, of]) => ({ what, first: of[i] ?? [], second: of.at(-1) ?? [] }));
      return {
        title: `Python, of the ${what}, and the distribution's`,
        method:
          "CPython in the slim image and the operating system's own of the same series, in containers of the same operating " +
          "system, one after the other, by some of pyperformance's benchmarks.",
        sides: [what, other.what],
        unit: "ms",
        rows,
        remarks: [`The geometric mean of the ratios of minima is ${meanRatio(rows).toFixed(3)}.`],
      };
    });
  });
}
