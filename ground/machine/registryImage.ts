/** The registry's image where the usual one cannot be pulled: assembled from Debian's packages. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineArchitecture } from "../../components/platforms.ts";
import { debianPackage } from "../sources/debian.ts";
import { folderTar, ociLayout } from "../sources/oci.ts";
import { cacheDir } from "../tools/cache.ts";
import { must, run } from "../tools/exec.ts";
import { note, say } from "../tools/log.ts";

/** The name of the assembled image, as the stack files have it. */
export const registryImage = "catalog/registry:2.8.3";

const suite = "trixie";

/** The official image's settings; all of them can be overridden by REGISTRY_* environment variables. */
const settings = `version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`;

const specLabel = "image-catalog.spec";

/** What an image is assembled from; one that says otherwise is assembled again. */
const spec = () =>
  createHash("sha256").update(`${machineArchitecture()} ${suite}\n${settings}`).digest("hex");

/**
 * Assembles the registry's image from Debian's packages docker-registry and libc6 and loads it into the Docker
 * engine, unless it is there. It is used as the official one: `serve <config.yml>`, port 5000, /var/lib/registry.
 *
 * @throws GroundError when the packages cannot be had or the engine refuses the image
 */
export async function ensureRegistryImage(): Promise<{ image: string }> {
  const format = `{{index .Config.Labels "${specLabel}"}}`;
  const there = await run("docker", ["image", "inspect", "--format", format, registryImage]);
  if (there.code === 0 && there.stdout.trim() === spec()) {
    say("registry", `${registryImage} in the engine`);
    return { image: registryImage };
  }
  note("registry", `assembling ${registryImage} from Debian's packages…`);
  const work = await mkdtemp(join(cacheDir("run"), "registry-image-"));
  try {
    const version = await files(join(work, "content"));
    await folderTar(join(work, "content"), join(work, "content.tar"));
    const layout = join(work, "layout");
    await ociLayout(layout, [join(work, "content.tar")], {
      entrypoint: ["/usr/bin/registry"],
      cmd: ["serve", "/etc/docker/registry/config.yml"],
      exposedPorts: ["5000/tcp"],
      volumes: ["/var/lib/registry"],
      labels: {
        [specLabel]: spec(),
        "org.opencontainers.image.title": "registry",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    });
    await load(layout, join(work, "image.tar"));
    say("registry", `${registryImage} assembled from Debian's docker-registry ${version}`);
  } finally {
    await rm(work, { recursive: true });
  }
  return { image: registryImage };
}

/** Lays out the image's files: the registry, its settings and the C library, and nothing else. */
async function files(root: string): Promise<string> {
  const [registry, libc] = [
    await debianPackage("docker-registry", suite),
    await debianPackage("libc6", suite),
  ];
  for (const folder of ["usr/bin", "etc/docker/registry", "etc/distribution", "var/lib/registry"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await cp(join(registry.folder, "usr/bin/docker-registry"), join(root, "usr/bin/registry"));
  await writeFile(join(root, "etc/docker/registry/config.yml"), settings);
  // Where version 3 has it, so that the command of either works.
  await symlink("../docker/registry/config.yml", join(root, "etc/distribution/config.yml"));
  for (const folder of ["lib", "lib64"].filter((name) => existsSync(join(libc.folder, "usr", name)))) {
    // The conversions between character sets are two thirds of the library, and not for a registry.
    const filter = (path: string) => !path.endsWith("/gconv");
    await cp(join(libc.folder, "usr", folder), join(root, "usr", folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter,
    });
    await symlink(`usr/${folder}`, join(root, folder));
  }
  for (const { folder } of [registry, libc]) {
    await cp(join(folder, "usr/share/doc"), join(root, "usr/share/doc"), {
      recursive: true,
      filter: (path) => !/\/doc\/[^/]+\/(?!copyright$)/.test(path),
    });
  }
  return registry.version;
}

/** Engines before 25 do not read OCI layouts; all of them read one that has a list of Docker's own as well. */
async function load(layout: string, archive: string): Promise<void> {
  const blob = (digest: string) => `blobs/${digest.replace(":", "/")}`;
  const read = (path: string) => JSON.parse(readFileSync(join(layout, path), "utf8"));
  const manifest = read(blob(read("index.json").manifests[0].digest));
  const image = {
    Config: blob(manifest.config.digest),
    RepoTags: [registryImage],
    Layers: manifest.layers.map(({ digest }: { digest: string }) => blob(digest)),
  };
  await writeFile(join(layout, "manifest.json"), JSON.stringify([image]));
  await folderTar(layout, archive);
  await must("docker", ["load", "--quiet", "--input", archive]);
}
