import { join } from "node:path";
import { cacheDir, once } from "../tools/cache.ts";
import { must, which } from "../tools/exec.ts";
import { GroundError, note } from "../tools/log.ts";
import { PYPERF, PYPERFORMANCE } from "../tools/versions.ts";
import { type Bench, minimum, type Row } from "./figures.ts";
import type { Runner } from "./runners.ts";

/** A handful of pyperformance's benchmarks: calls and attributes, floats and integers, a parser, an encoder in C. */
const BENCHMARKS = [
  "chaos",
  "deltablue",
  "float",
  "json_dumps",
  "nbody",
  "pidigits",
  "regex_compile",
  "richards",
];

/**
 * A folder with pyperformance's benchmarks and pyperf, which runs them; by this machine's pip, as it is configured.
 * @throws GroundError where it cannot be had.
 */
async function suite(): Promise<string> {
  if (which("python3") === null) {
    throw new GroundError("python3, to install pyperformance's benchmarks, is not on PATH; install it.");
  }
  return await once(join(cacheDir(), `pyperformance-${PYPERFORMANCE}-${PYPERF}`), async (folder) => {
    const packages = [`pyperformance==${PYPERFORMANCE}`, `pyperf==${PYPERF}`];
    const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"];
    await must("python3", ["-m", "pip", "install", ...options, "--target", folder, ...packages]);
    note("bench", `pyperformance ${PYPERFORMANCE}, of its Python package`);
  });
}

/** How long the benchmarks take with each interpreter, in turns. @returns milliseconds of each of them, by benchmark. */
export async function interpreterTimes(
  bench: Bench,
  runners: readonly Runner[],
): Promise<Map<string, readonly number[][]>> {
  const folder = await suite();
  const all = new Map<string, number[][]>();
  for (const name of BENCHMARKS) {
    const times = runners.map(() => [] as number[]);
    for (let i = 0; i < bench.repeat; i++) {
      for (const [k, { interpreter }] of runners.entries()) {
        bench.signal.throwIfAborted();
        times[k]?.push(...(await timesOf(interpreter, folder, name)));
      }
    }
    note("bench", `${name}: ${times.map((each) => minimum(each).toFixed(1)).join(", ")} ms`);
    all.set(name, times);
  }
  return all;
}

/** The geometric mean of the ratios of rows' minima. */
export function meanRatio(rows: readonly Row[]): number {
  const logs = rows.map(({ first, second }) => Math.log(minimum(first) / minimum(second)));
  return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

/** Runs a benchmark by an image's interpreter: three times, after once to warm up. */
async function timesOf(image: string, folder: string, name: string): Promise<number[]> {
  const script = `/suite/pyperformance/data-files/benchmarks/bm_${name}/run_benchmark.py`;
  const options = "--processes=1 --values=3 --warmups=1 --inherit-environ=PYTHONPATH --quiet";
  const command = `python3 ${script} ${options} --output=/tmp/times >/dev/null && cat /tmp/times`;
  const mounted = ["--volume", `${folder}:/suite:ro`, "--env", "PYTHONPATH=/suite"];
  const { stdout } = await must("docker", ["run", "--rm", ...mounted, image, "sh", "-c", command]);
  return readTimes(stdout);
}

/** The milliseconds in a file of pyperf's, of which some runs only look for how many loops take long enough. */
export function readTimes(file: string): number[] {
  const { benchmarks } = JSON.parse(file) as { benchmarks: { runs: { values?: number[] }[] }[] };
  return benchmarks.flatMap(({ runs }) =>
    runs.flatMap(({ values = [] }) => values.map((each) => each * 1000)),
  );
}
