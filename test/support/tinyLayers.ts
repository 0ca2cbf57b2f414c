import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../ground/tools/exec.ts";
import type { TlsRegistry } from "./tlsRegistry.ts";
import { type Settings, Workspace } from "./workspace.ts";

/** A layer that copies a file. */
const child = (file: string) => `ARG PARENT=scratch\nFROM \${PARENT}\nCOPY ${file} /\n`;
const dockerfiles = {
  "images/os/debian": "FROM base\nARG PACKAGES\nENV PACKAGES=$PACKAGES\n",
  "images/pyenv": child("Dockerfile"),
  "images/python": child("Dockerfile"),
  "images/python-slim": child("shrink.sh"),
  "images/framework": child("requirements.txt"),
};

/**
 * A workspace with a shared registry, whose five images copy a file each: what is in them does not
 * matter. Its builder has the stack's name, and is the caller's to start.
 */
export async function makeTinyLayers(
  { address, username, caFile }: Pick<TlsRegistry, "address" | "username" | "caFile">,
  settings: Settings = {},
): Promise<Workspace> {
  const workspace = await Workspace.make("dev", {
    registry: { embedded: false, address, username },
    namespace: "platform/catalog",
    pyenvs: [{ version: "2.5.4", source: { folder: "images/os/alpine" } }],
    pythons: [{ version: "3.13.5", sha256: "0".repeat(64) }],
    applications: [],
    ...settings,
  });
  // The CA is trusted by Node, and by the providers.
  Object.assign(workspace.env, { NODE_EXTRA_CA_CERTS: caFile, SSL_CERT_FILE: caFile });
  for (const [folder, content] of Object.entries(dockerfiles))
    workspace.write(`${folder}/Dockerfile`, content);
  const base = await tinyBase(workspace);
  workspace.configure((config) => ({
    ...config,
    "catalog:builder": workspace.stack,
    "catalog:systems": [{ name: "debian", version: "13", base }],
  }));
  return workspace;
}

/** A root file system with a file. */
async function tinyBase(workspace: Workspace): Promise<object> {
  mkdirSync(join(workspace.folder, "root"));
  workspace.write("root/base", "");
  const rootfs = join(workspace.folder, "root.tar");
  await must("tar", ["-cf", rootfs, "-C", join(workspace.folder, "root"), "base"]);
  return { rootfs, sha256: createHash("sha256").update(readFileSync(rootfs)).digest("hex") };
}
