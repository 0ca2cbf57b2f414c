import { existsSync } from "node:fs";
import { join } from "node:path";
import { SECRETS, writeSecrets } from "../program/bakeFile.ts";
import { withLogin } from "../tools/dockerConfig.ts";
import { must } from "../tools/exec.ts";
import type { Bench } from "./figures.ts";
import { type Project, recordIn } from "./project.ts";

/**
 * Builds an operating system's own Python, Flask and gunicorn on the catalog's operating system, into a project's registry.
 * @param parent the operating system's image.
 * @returns the image, which the engine has.
 */
export async function distribution(bench: Bench, project: Project, parent: string): Promise<string> {
  const image = `${project.login.address}/catalog/distribution:1`;
  writeSecrets(await recordIn(project.folder, project.stack), project.folder);
  const ca = join(project.folder, SECRETS, "ca");
  await withLogin(project.login, async (env) => {
    const [command = "", ...buildx] = bench.running.buildx;
    const options = [
      `--builder=${bench.running.name}`,
      `--build-arg=PARENT=${parent}`,
      `--tag=${image}`,
      ...(existsSync(ca) ? [`--secret=id=ca,src=${ca}`] : []),
    ];
    const context = join(import.meta.dirname, "distribution");
    await must(command, [...buildx, "build", ...options, "--push", context], { env, signal: bench.signal });
  });
  await project.pull(image);
  return image;
}
