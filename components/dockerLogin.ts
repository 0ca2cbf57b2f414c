import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A login to a registry. */
export interface Credentials {
  /** `<token>` where the password is an identity token, as credential helpers say it. */
  readonly username: string;
  readonly password: string;
}

/** A login of the user's, and where it was found. */
export interface UserLogin extends Credentials {
  /** In words, such as "docker-credential-gcloud" or "/home/robot/.docker/config.json". */
  readonly from: string;
}

interface DockerConfig {
  readonly auths?: Record<string, { readonly auth?: string; readonly identitytoken?: string }>;
  readonly credHelpers?: Record<string, string>;
  readonly credsStore?: string;
}

/** The username that says that the password is an identity token. */
export const IDENTITY = "<token>";

/** The folder of the user's Docker configuration. */
export const dockerFolder = () => process.env.DOCKER_CONFIG ?? join(homedir(), ".docker");
const configFile = () => join(dockerFolder(), "config.json");

/**
 * The user's login to a registry, found as `docker` itself does: by the credential helper of that registry, by the one
 * of all, or in the file (https://docs.docker.com/reference/cli/docker/login/#credential-stores).
 * @param address host or host:port; Docker Hub's is `https://index.docker.io/v1/`.
 * @param signal ends a helper that hangs.
 * @returns undefined where there is none, or none that can be read.
 * @throws Error for a helper that hangs.
 */
export async function userLogin(address: string, signal: AbortSignal): Promise<UserLogin | undefined> {
  const config = readConfig();
  const helper = config.credHelpers?.[address] ?? config.credsStore;
  const program = `docker-credential-${helper}`;
  const helped = helper ? await askHelper(program, address, signal) : undefined;
  if (helped) return { ...helped, from: program };
  const filed = fileLogin(config, address);
  return filed && { ...filed, from: configFile() };
}

// What is no JSON stays unsaid here and below: the parser's message would quote it, password and all.
function readConfig(): DockerConfig {
  try {
    return JSON.parse(readFileSync(configFile(), "utf8")) as DockerConfig;
  } catch {
    return {};
  }
}

/** https://github.com/docker/docker-credential-helpers#development */
function askHelper(program: string, address: string, signal: AbortSignal): Promise<Credentials | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, ["get"], { signal }, (_, stdout) => {
      if (signal.aborted) return reject(new Error(`${program} does not answer in time`));
      try {
        const { Username, Secret } = JSON.parse(stdout) as { Username: string; Secret: string };
        resolve(Secret ? { username: Username, password: Secret } : undefined);
      } catch {
        resolve(undefined);
      }
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(address);
  });
}

function fileLogin({ auths = {} }: DockerConfig, address: string): Credentials | undefined {
  const entry = Object.entries(auths).find(([key]) => hostOf(key) === hostOf(address))?.[1];
  if (entry?.identitytoken) return { username: IDENTITY, password: entry.identitytoken };
  const [, username, password] = /^([^:]+):(.+)$/s.exec(decoded(entry?.auth)) ?? [];
  return username && password ? { username, password } : undefined;
}

const decoded = (base64 = "") => Buffer.from(base64, "base64").toString();

/** Old entries are URLs. */
const hostOf = (address: string) => address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
