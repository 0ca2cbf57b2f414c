import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { isIP } from "node:net";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import bcrypt from "bcryptjs";
import { debianPackage } from "../../ground/sources/debian.ts";
import { must } from "../../ground/tools/exec.ts";
import type { Login } from "../../ground/tools/registry.ts";
import { freePort, newPassword } from "./workspace.ts";

/** A registry as a company runs one: a process with TLS by a CA of its own and a login, not on localhost. */
export interface TlsRegistry extends Login {
  /** The CA that nobody trusts yet, in PEM. */
  readonly caFile: string;
  /** The key of that CA. */
  readonly caKeyFile: string;
  /** Its own certificate and key, in PEM. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** Where its images are. */
  readonly storage: string;
  /** All that it has logged so far, a line for each request among it. */
  log(): string;
  /** Kills it in the middle of whatever it does; its images stay. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** Ends it and removes its images. */
  stop(): Promise<void>;
}

export interface TlsRegistryOptions {
  /** The size of a disk of its own, such as "8m"; only root can make one. Default: it has none. */
  readonly disk?: string;
  /** Its name or address. Default: an address of this machine that is not loopback. */
  readonly host?: string;
}

/** Starts Debian's registry; {@link TlsRegistry.stop} ends it, at the latest it ends with this process. */
export async function serveTlsRegistry({
  disk,
  host = ownAddress(),
}: TlsRegistryOptions = {}): Promise<TlsRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-registry-"));
  const path = (name: string) => join(folder, name);
  const login = { address: `${host}:${await freePort()}`, username: "robot", password: newPassword() };
  await makeCertificates(folder, host);
  writeFileSync(path("htpasswd"), `${login.username}:${bcrypt.hashSync(login.password, 4)}\n`);
  writeFileSync(path("config.yml"), JSON.stringify(settings(folder, login.address)));
  mkdirSync(path("storage"));
  if (disk) await must("mount", ["-t", "tmpfs", "-o", `size=${disk}`, "tmpfs", path("storage")]);

  const { folder: root } = await debianPackage("docker-registry", "trixie");
  let child: ChildProcess;
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  const kill = () => child.kill();
  process.once("exit", kill);
  const registry: TlsRegistry = {
    ...login,
    caFile: path("ca.pem"),
    certificate: { cert: path("tls.pem"), key: path("tls.key") },
    caKeyFile: path("ca.key"),
    storage: path("storage"),
    log: () => readFileSync(path("log"), "utf8"),
    kill: () => end("SIGKILL"),
    start: async () => {
      const log = openSync(path("log"), "a");
      child = spawn(join(root, "usr/bin/docker-registry"), ["serve", path("config.yml")], {
        env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
        stdio: ["ignore", log, log],
      });
      closeSync(log);
      while (!(await answers(registry))) {
        if (child.exitCode !== null) throw new Error(`The registry does not start: ${registry.log()}`);
        await sleep(50);
      }
    },
    stop: async () => {
      await end("SIGTERM");
      process.off("exit", kill);
      if (disk) await must("umount", [path("storage")]);
      rmSync(folder, { recursive: true });
    },
  };
  await registry.start();
  return registry;
}

/** The configuration, in JSON, which is YAML too. */
function settings(folder: string, address: string): object {
  const path = (name: string) => join(folder, name);
  return {
    version: 0.1,
    log: { accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: path("storage") }, delete: { enabled: true } },
    http: { addr: address, tls: { certificate: path("tls.pem"), key: path("tls.key") } },
    auth: { htpasswd: { realm: "catalog", path: path("htpasswd") } },
  };
}

async function makeCertificates(folder: string, host: string): Promise<void> {
  const make = (...args: string[]) =>
    must(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", ...args],
      { cwd: folder },
    );
  const usage = "keyUsage=critical,keyCertSign,cRLSign";
  await make("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Catalog test CA", "-addext", usage);
  const name = `subjectAltName=${isIP(host) ? "IP" : "DNS"}:${host}`;
  const own = ["-keyout", "tls.key", "-out", "tls.pem", "-subj", `/CN=${host}`, "-addext", name];
  await make(...own, "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key");
}

/**
 * An address of this machine that is not loopback, on which engines insist on no TLS. A host name is none that can be
 * relied on: Debian gives it 127.0.1.1.
 */
export function ownAddress(): string {
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    if (/^(docker|br-|veth)/.test(name)) continue;
    const found = addresses.find(({ family, internal }) => family === "IPv4" && !internal);
    if (found) return found.address;
  }
  throw new Error(`${hostname()} has no address but loopback's`);
}

async function answers({ address, caFile }: TlsRegistry): Promise<boolean> {
  try {
    const request = get(`https://${address}/v2/`, { ca: readFileSync(caFile) });
    const [response] = await once(request, "response");
    response.resume();
    return response.statusCode === 401;
  } catch {
    return false;
  }
}
