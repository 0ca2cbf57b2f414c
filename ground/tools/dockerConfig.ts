import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerFolder } from "../../components/dockerLogin.ts";
import type { Login } from "./registry.ts";

/** Where buildx keeps its builders, whatever DOCKER_CONFIG says. */
export const buildxConfig = () => process.env.BUILDX_CONFIG ?? join(dockerFolder(), "buildx");

/**
 * A copy of the user's Docker configuration that is logged in to a registry as well: the user's own is not
 * touched, and the password is in no process's arguments. The caller removes the folder.
 */
export function loginFolder({ address, username, password }: Login): string {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-docker-"));
  const user = dockerFolder();
  let config: Record<string, unknown> = {};
  if (existsSync(user)) {
    for (const name of readdirSync(user).filter((name) => name !== "config.json")) {
      symlinkSync(join(user, name), join(folder, name));
    }
    const file = join(user, "config.json");
    if (existsSync(file)) config = JSON.parse(readFileSync(file, "utf8"));
  }
  // A credential store would be asked instead of `auths`, for every registry.
  delete config.credsStore;
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  config.auths = { ...(config.auths as object | undefined), [address]: { auth } };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 });
  return folder;
}
