import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type BuilderSetting, builderName } from "../../components/builderSettings.ts";
import { waitOut } from "../../components/registryTrouble.ts";
import { descend } from "../tools/descend.ts";
import type { DockerEnv } from "../tools/dockerConfig.ts";
import { type Result, run } from "../tools/exec.ts";
import { INTERRUPTED, interruptible } from "../tools/interruptible.ts";
import { GroundError, say, warn } from "../tools/log.ts";
import { type BakeFile, digestVariable, targetName } from "./bakeFile.ts";
import type { Failure } from "./failures.ts";
import type { Layer } from "./layers.ts";

/** What builds are given besides what to build. */
export interface BuildOptions {
  /** The docker-bake.json. */
  readonly path: string;
  /** How buildx is called. */
  readonly buildx: readonly string[];
  readonly builder: BuilderSetting;
  /** A Docker configuration with the login to the registry. */
  readonly docker: DockerEnv;
  /** How many are built at once; 0: as many as Pulumi, 4 × cores. */
  readonly parallel: number;
}

/**
 * Of the plain progress: the steps of the Dockerfile, what they print, what comes out of a cache or a registry instead,
 * the end. That an image has no cache yet is no error.
 */
export const TELLING =
  /^#\d+ (\[(?!internal\]|auth\]|context )|\d+\.\d+ |CACHED|sha256:.* done$|ERROR(?!: .*cache importer: .*: not found$)|exporting (to image|cache ))/;

/**
 * Builds every layer as soon as its parents are done; one that fails stops only what stands on it.
 * @returns the digests of those that are built, by layer, and what has failed.
 * @throws GroundError when it is interrupted, once all builds have ended.
 */
export async function build(
  file: BakeFile,
  layers: readonly Layer[],
  options: BuildOptions,
): Promise<{ digests: Map<string, string>; failures: Failure[] }> {
  const digests = new Map<string, string>();
  const failures: Failure[] = [];
  const parents = new Map(layers.map(({ name, parents }) => [name, parents]));
  const width = Math.max(...layers.map(({ name }) => name.length));
  const aborted = await interruptible(async (signal) => {
    await descend(parents, options.parallel || 4 * availableParallelism(), async (name) => {
      if (signal.aborted) return false;
      const metadata = join(options.docker.DOCKER_CONFIG, `${targetName(name)}.json`);
      const build = () =>
        run(options.buildx[0] ?? "", argumentsFor(name, metadata), {
          env: {
            ...Object.fromEntries(
              below(name).map((parent) => [digestVariable(targetName(parent)), digests.get(parent)]),
            ),
            ...options.docker,
          },
          each: (line) => {
            if (TELLING.test(line)) process.stdout.write(`${name.padEnd(width)} | ${line}\n`);
          },
          signal,
        });
      const { code, stderr } = await patiently(name, build, signal);
      if (code !== 0) {
        failures.push({ name, log: stderr });
        return false;
      }
      const digest = JSON.parse(readFileSync(metadata, "utf8"))[targetName(name)]["containerimage.digest"];
      digests.set(name, digest);
      say("image", `${name.padEnd(width)}  ${digest.slice(7, 19)}`);
      return true;
    });
    return signal.aborted;
  });
  if (aborted) throw new GroundError(INTERRUPTED);
  return { digests, failures };

  function below(name: string): readonly string[] {
    return parents.get(name) ?? [];
  }

  function argumentsFor(name: string, metadata: string): string[] {
    const target = targetName(name);
    const contexts = Object.entries(file.target[target]?.contexts ?? {});
    // The file's `target:` would do, but a parent out of the registry is what the engine builds from, to the byte.
    const images = below(name).flatMap((parent) => {
      const image = `docker-image://${file.target[targetName(parent)]?.tags[0]}@${digests.get(parent)}`;
      return contexts
        .filter(([, location]) => location === `target:${targetName(parent)}`)
        .flatMap(([context]) => ["--set", `${target}.contexts.${context}=${image}`]);
    });
    return [
      ...options.buildx.slice(1),
      "bake",
      `--file=${options.path}`,
      `--builder=${builderName(options.builder, file.target[target]?.platforms?.[0])}`,
      "--progress=plain",
      `--metadata-file=${metadata}`,
      ...images,
      target,
    ];
  }
}

/** Runs a build again that a registry's trouble has failed, as the engine does. */
async function patiently(name: string, build: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let failures = 1; ; failures++) {
    const result = await build();
    if (result.code === 0 || signal.aborted) return result;
    if (!(await waitOut(name, result.stderr, failures, (text) => warn("image", text)))) return result;
  }
}
