import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { dockerFolder } from "../../components/dockerLogin.ts";
import type { Login } from "./registry.ts";

/** Where buildx keeps its builders, whatever DOCKER_CONFIG says. */
export const buildxConfig = () => process.env.BUILDX_CONFIG ?? join(dockerFolder(), "buildx");

/** What makes programs read a Docker configuration, and the builders nevertheless. */
export interface DockerEnv extends Record<string, string> {
  readonly DOCKER_CONFIG: string;
  readonly BUILDX_CONFIG: string;
}

/**
 * Does work with a Docker configuration of its own, {@link loginFolder}, which is removed whatever ends the work.
 * @param work may wait for what it has started when a signal comes; else that ends this process.
 */
export async function withLogin<T>(
  login: Login | undefined,
  work: (env: DockerEnv) => Promise<T>,
): Promise<T> {
  const folder = loginFolder(login);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const end = (signal: NodeJS.Signals) => {
    if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
  };
  process.once("exit", remove);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  try {
    return await work({ DOCKER_CONFIG: folder, BUILDX_CONFIG: buildxConfig() });
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
    process.off("exit", remove);
    remove();
  }
}

/**
 * A copy of the user's Docker configuration that is logged in to a registry as well: the user's own is not
 * touched, and the password is in no process's arguments. The caller removes the folder.
 */
export function loginFolder(login: Login | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-docker-"));
  const user = dockerFolder();
  let config: DockerConfig = {};
  if (existsSync(user)) {
    for (const name of readdirSync(user).filter((name) => name !== "config.json")) {
      symlinkSync(join(user, name), join(folder, name));
    }
    const file = join(user, "config.json");
    if (existsSync(file)) config = JSON.parse(readFileSync(file, "utf8"));
  }
  const content = JSON.stringify(login ? loggedIn(config, login) : config);
  writeFileSync(join(folder, "config.json"), content, { mode: 0o600 });
  return folder;
}

interface DockerConfig {
  readonly auths?: object;
  readonly credHelpers?: object;
}

/** A helper without a name is none: of this registry, the file is asked instead of the store of all. */
function loggedIn(config: DockerConfig, { address, username, password }: Login): DockerConfig {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return {
    ...config,
    auths: { ...config.auths, [address]: { auth } },
    credHelpers: { ...config.credHelpers, [address]: "" },
  };
}
