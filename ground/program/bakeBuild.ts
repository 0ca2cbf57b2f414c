import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Builder } from "../machine/builder.ts";
import { descend } from "../tools/descend.ts";
import { buildxConfig } from "../tools/dockerConfig.ts";
import { run } from "../tools/exec.ts";
import { GroundError, say } from "../tools/log.ts";
import { type BakeFile, digestVariable, PARENT, targetName } from "./bakeFile.ts";
import type { Failure } from "./failures.ts";
import type { Layer } from "./layers.ts";

/** What builds are given besides what to build. */
export interface BuildOptions {
  /** The docker-bake.json. */
  readonly path: string;
  readonly builder: Builder;
  /** A folder with the login to the registry. */
  readonly dockerConfig: string;
  /** How many are built at once; 0: as many as Pulumi, 4 × cores. */
  readonly parallel: number;
}

/**
 * Of the plain progress: the steps of the Dockerfile, what they print, what comes out of a cache or a registry instead,
 * the end. That an image has no cache yet is no error.
 */
const TELLING =
  /^#\d+ (\[(?!internal\]|auth\]|context )|\d+\.\d+ |CACHED|sha256:.* done$|ERROR(?!: .*cache importer: .*: not found$)|exporting (to image|cache ))/;

/**
 * Builds every layer as soon as its parent is done; one that fails stops only what stands on it.
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
  const parents = new Map(layers.map(({ name, parent }) => [name, parent]));
  const width = Math.max(...layers.map(({ name }) => name.length));
  const interrupt = new AbortController();
  const abort = () => interrupt.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, abort);
  try {
    await descend(parents, options.parallel || 4 * availableParallelism(), async (name) => {
      if (interrupt.signal.aborted) return false;
      const parent = parents.get(name);
      const metadata = join(options.dockerConfig, `${targetName(name)}.json`);
      const { code, stderr } = await run(options.builder.buildx[0] ?? "", argumentsFor(name, metadata), {
        env: {
          ...(parent ? { [digestVariable(targetName(parent))]: digests.get(parent) } : {}),
          DOCKER_CONFIG: options.dockerConfig,
          BUILDX_CONFIG: buildxConfig(),
        },
        each: (line) => {
          if (TELLING.test(line)) process.stdout.write(`${name.padEnd(width)} | ${line}\n`);
        },
        signal: interrupt.signal,
      });
      if (code !== 0) {
        failures.push({ name, log: stderr });
        return false;
      }
      const digest = JSON.parse(readFileSync(metadata, "utf8"))[targetName(name)]["containerimage.digest"];
      digests.set(name, digest);
      say("image", `${name.padEnd(width)}  ${digest.slice(7, 19)}`);
      return true;
    });
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, abort);
  }
  if (interrupt.signal.aborted) throw new GroundError("Interrupted. The same command goes on from here.");
  return { digests, failures };

  function argumentsFor(name: string, metadata: string): string[] {
    const target = targetName(name);
    const parent = parents.get(name);
    // The file's `target:` would do, but a parent out of the registry is what the engine builds from, to the byte.
    const image =
      parent && `docker-image://${file.target[targetName(parent)]?.tags[0]}@${digests.get(parent)}`;
    return [
      ...options.builder.buildx.slice(1),
      "bake",
      `--file=${options.path}`,
      `--builder=${options.builder.name}`,
      "--progress=plain",
      `--metadata-file=${metadata}`,
      ...(image ? ["--set", `${target}.contexts.${PARENT}=${image}`] : []),
      target,
    ];
  }
}
