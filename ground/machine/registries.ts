/** The registries whose CA our builder is given, as buildkitd.toml has them. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificatesOf } from "../../components/trust.ts";
import { cacheDir } from "../tools/cache.ts";

/** A registry with a CA of its own. */
export interface Trusted {
  readonly address: string;
  /** A PEM file. */
  readonly ca: string;
}

const folder = () => cacheDir("registries");

/** Keeps a registry's CA for the builders that are started from now on. */
export function keepCa({ address, ca }: Trusted): void {
  writeFileSync(join(folder(), `${encodeURIComponent(address)}.pem`), certificatesOf(ca).join(""));
}

/** What buildkitd.toml says of a registry. */
export const registryToml = ({ address, ca }: Trusted): string =>
  `[registry.${JSON.stringify(address)}]\n  ca = [${JSON.stringify(ca)}]\n`;

/** The same of all that are kept; empty where no CA is kept. */
export function registriesToml(): string {
  const files = readdirSync(folder()).filter((file) => file.endsWith(".pem"));
  return files
    .map((file) => {
      const address = decodeURIComponent(file.replace(/\.pem$/, ""));
      return registryToml({ address, ca: join(folder(), file) });
    })
    .join("");
}
