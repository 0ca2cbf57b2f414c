/** OCI image layouts, written without an engine: the same input gives the same bytes, on any machine, at any time. */
import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { copyFile, mkdir, open, rename, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { machineArchitecture } from "../../components/platforms.ts";
import { sha256File } from "../tools/cache.ts";
import { must } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";

/** What a container gets from its image besides files. */
export interface ImageConfig {
  env?: Record<string, string>;
  cmd?: string[];
  entrypoint?: string[];
  user?: string;
  /** Such as `5000/tcp`. */
  exposedPorts?: string[];
  /** Paths in the container. */
  volumes?: string[];
  labels?: Record<string, string>;
}

/** A blob's place in a layout, as OCI writes it. */
interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** BuildKit puts its own clock into an image whose base has no time of creation. */
const created = "1970-01-01T00:00:00Z";

/**
 * Writes an image for this machine's architecture as an OCI layout.
 *
 * @param folder where to; it is made, and should not hold another layout
 * @param layers paths of .tar or .tar.gz files, the lowest first; a compressed one is taken as it is
 * @returns the manifest's digest, `sha256:…`
 * @throws GroundError when a layer is neither
 */
export async function ociLayout(
  folder: string,
  layers: string[],
  config: ImageConfig = {},
): Promise<{ digest: string }> {
  const blobs = join(folder, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const json = async (mediaType: string, value: unknown): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify(value));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(blobs, sha256), bytes);
    return { mediaType, digest: `sha256:${sha256}`, size: bytes.length };
  };

  const added: { blob: Descriptor; diffId: string }[] = [];
  for (const layer of layers) added.push(await addLayer(blobs, layer));

  const platform = { architecture: machineArchitecture(), os: "linux" };
  const image = await json("application/vnd.oci.image.config.v1+json", {
    created,
    ...platform,
    config: runtimeConfig(config),
    rootfs: { type: "layers", diff_ids: added.map(({ diffId }) => diffId) },
    history: added.map(() => ({ created, created_by: "image-catalog" })),
  });
  const manifest = await json("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: image,
    layers: added.map(({ blob }) => blob),
  });
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ ...manifest, platform, annotations: { "org.opencontainers.image.ref.name": "latest" } }],
  };
  await writeFile(join(folder, "index.json"), JSON.stringify(index));
  await writeFile(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return { digest: manifest.digest };
}

/** The digest of the manifest in a layout. Throws when there is no layout. */
export function layoutDigest(folder: string): string {
  const index: { manifests: { digest: string }[] } = JSON.parse(
    readFileSync(join(folder, "index.json"), "utf8"),
  );
  const digest = index.manifests[0]?.digest;
  if (digest === undefined) throw new GroundError(`The OCI layout ${folder} lists no image.`);
  return digest;
}

/** Only what is set: an empty list and a missing one are different bytes. */
function runtimeConfig(config: ImageConfig): Record<string, unknown> {
  const set = (names: string[] | undefined) => names && Object.fromEntries(names.map((name) => [name, {}]));
  return {
    User: config.user,
    ExposedPorts: set(config.exposedPorts),
    Env: config.env && Object.entries(config.env).map(([name, value]) => `${name}=${value}`),
    Entrypoint: config.entrypoint,
    Cmd: config.cmd,
    Volumes: set(config.volumes),
    Labels: config.labels,
  };
}

async function addLayer(blobs: string, path: string): Promise<{ blob: Descriptor; diffId: string }> {
  const making = join(blobs, ".layer");
  const kind = await archiveKind(path);
  const hash = createHash("sha256");
  if (kind === "gzip") {
    await copyFile(path, making);
    await pipeline(createReadStream(path), createGunzip(), hash);
  } else {
    await pipeline(createReadStream(path), hash);
    // Not zlib's: what that makes differs between processors.
    await must("sh", ["-c", 'gzip --no-name --stdout -6 -- "$1" > "$2"', "sh", path, making]);
  }
  const sha256 = await sha256File(making);
  await rename(making, join(blobs, sha256));
  const { size } = await stat(join(blobs, sha256));
  const blob = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: `sha256:${sha256}`, size };
  return { blob, diffId: `sha256:${hash.digest("hex")}` };
}

async function archiveKind(path: string): Promise<"gzip" | "tar"> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return "gzip";
    if (buffer.toString("latin1", 257, 262) === "ustar") return "tar";
  } finally {
    await file.close();
  }
  throw new GroundError(`${path} is no tar archive, plain or by gzip: unpack or convert it first.`);
}

/**
 * Packs a folder's content, with nothing of this machine in it: no owner, no time, no umask, no order of files.
 *
 * @param file where to, ending in .tar
 */
export async function folderTar(folder: string, file: string): Promise<void> {
  const args = ["--create", "--format=gnu", "--sort=name", "--mtime=@0", "--owner=0", "--group=0"];
  await must("tar", [
    ...args,
    "--numeric-owner",
    "--mode=u+rw,go=u-w",
    `--file=${resolve(file)}`,
    "-C",
    folder,
    ".",
  ]);
}
