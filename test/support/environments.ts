import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { stringify } from "yaml";
import { removeLeftovers } from "../../ground/program/leftovers.ts";
import { buildxConfig } from "../../ground/tools/dockerConfig.ts";
import type { Login } from "../../ground/tools/registry.ts";
import { noEngine, select } from "./engine.ts";
import { serveTlsRegistry, type TlsRegistry } from "./tlsRegistry.ts";
import { freePort, type Settings, type Workspace } from "./workspace.ts";

/** Why an environment with a registry of its own cannot be had here; false where it can. */
export const noEnvironment: string | false =
  noEngine || (process.getuid?.() === 0 ? false : "only root can make the engine trust a registry's CA");

/** A stack of a workspace with a registry of its own, as a company has them: with TLS, and not on this machine. */
export interface Environment extends Pick<Workspace, "folder" | "stack" | "env"> {
  readonly registry: TlsRegistry;
  readonly engine: Stack;
  remove(): Promise<void>;
}

/**
 * Adds a stack to a workspace; engine, providers and this process trust its registry.
 * @param sources the registries that it takes images from, with the user's logins to them.
 */
export async function addEnvironment(
  workspace: Workspace,
  name: string,
  settings: Settings,
  sources: readonly (Login & { readonly caFile?: string })[],
): Promise<Environment> {
  const registry = await serveTlsRegistry();
  const { address, username, password, caFile } = registry;
  const stack = `${workspace.stack}-${name}`;
  const trusted = `/etc/docker/certs.d/${address}`;
  mkdirSync(trusted, { recursive: true });
  cpSync(caFile, join(trusted, "ca.crt"));
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), readFileSync(caFile, "utf8")]);

  const docker = mkdtempSync(join(tmpdir(), "image-catalog-docker-"));
  const auths = sources.map(({ address, username, password }) => [
    address,
    { auth: Buffer.from(`${username}:${password}`).toString("base64") },
  ]);
  writeFileSync(join(docker, "config.json"), JSON.stringify({ auths: Object.fromEntries(auths) }));
  const authorities = [registry, ...sources].flatMap(({ caFile }) => caFile ?? []);
  const bundle = join(docker, "ca.pem");
  writeFileSync(bundle, authorities.map((file) => readFileSync(file, "utf8")).join("\n"));

  const config = {
    registry: { embedded: false, address, username },
    // Nobody asks for it: nothing is built.
    builder: `${stack}-none`,
    applications: [{ name: "flask-helloworld", publish: await freePort() }],
    ...settings,
  };
  const values = Object.fromEntries(Object.entries(config).map(([key, value]) => [`catalog:${key}`, value]));
  workspace.write(`Pulumi.${stack}.yaml`, stringify({ config: values }));
  const env = {
    ...workspace.env,
    DOCKER_CONFIG: docker,
    BUILDX_CONFIG: buildxConfig(),
    SSL_CERT_FILE: bundle,
    NODE_EXTRA_CA_CERTS: bundle,
  };
  const { folder } = workspace;
  const engine = await select({ folder, stack, env });
  await engine.setConfig("registryPassword", { value: password, secret: true });
  return {
    folder,
    stack,
    env,
    registry,
    engine,
    remove: async () => {
      await removeLeftovers(stack, `${address}/catalog`);
      await registry.stop();
      for (const folder of [trusted, docker]) rmSync(folder, { recursive: true });
    },
  };
}
