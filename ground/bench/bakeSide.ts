import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bakeFile, targetName, writeSecrets } from "../program/bakeFile.ts";
import { buildxConfig, loginFolder } from "../tools/dockerConfig.ts";
import { lastLine, run } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import type { Bench } from "./figures.ts";
import { type Project, recordIn, seconds } from "./project.ts";

/** A catalog's images by `docker buildx bake` alone: the same Dockerfiles, contexts and arguments, and one call. */
export class BakeSide {
  private readonly bench: Bench;
  private readonly catalog: Project;
  private readonly stack: string;
  private readonly builder: string;
  private readonly docker: string;

  /**
   * @param catalog has been brought up: its registry runs.
   * @param stack a stack of the same folder, whose images go to the same registry under another namespace.
   */
  constructor(bench: Bench, catalog: Project, stack: string, builder: string) {
    this.bench = bench;
    this.catalog = catalog;
    this.stack = stack;
    this.builder = builder;
    this.docker = loginFolder(catalog.login);
  }

  /** Writes down what there is to build: not timed. */
  async write(): Promise<void> {
    const { folder } = this.catalog;
    const recording = await recordIn(folder, this.stack);
    writeFileSync(join(folder, `${this.stack}.json`), JSON.stringify(bakeFile(recording)));
    writeSecrets(recording, folder);
  }

  /** Builds and pushes layers, all of them if none is named. @returns how many seconds it takes. */
  async timed(...layers: string[]): Promise<number> {
    const { signal, running } = this.bench;
    signal.throwIfAborted();
    const [command = "", ...args] = [...running.buildx, "bake", `--file=${this.stack}.json`];
    const all = [...args, `--builder=${this.builder}`, "--progress=plain", ...layers.map(targetName)];
    const env = { DOCKER_CONFIG: this.docker, BUILDX_CONFIG: buildxConfig() };
    return await seconds(async () => {
      const { code, stderr } = await run(command, all, { cwd: this.catalog.folder, env, signal });
      signal.throwIfAborted();
      if (code !== 0) throw new GroundError(`\`buildx bake\` failed: ${lastLine(stderr)}`);
    });
  }

  /** Removes its login. */
  remove(): void {
    rmSync(this.docker, { recursive: true });
  }
}
