import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { must, run } from "../tools/exec.ts";
import { GroundError } from "../tools/log.ts";
import type { Registration } from "./record.ts";

/** The label that the program gives to its containers; its value is the stack. */
export const STACK_LABEL = "image-catalog.stack";
/** The label of what `bake` runs; its value is the stack. */
export const BAKE_LABEL = "image-catalog.bake";
/** A hash of all that a container was made from. */
const SPEC_LABEL = "image-catalog.spec";

/** The inputs of docker:index/container:Container that the program uses. */
interface ContainerInputs {
  image: string;
  restart?: string;
  ports?: { internal: number; external: number; ip: string }[];
  volumes?: { volumeName: string; containerPath: string }[];
  envs?: string[];
  uploads?: { file: string; content: string }[];
  capabilities?: { drops: string[]; adds: string[] };
  securityOpts?: string[];
  user?: string;
  readOnly?: boolean;
  tmpfs?: Record<string, string>;
  memory?: number;
  memorySwap?: number;
  healthcheck?: { tests: string[]; interval: string; timeout: string; startPeriod: string; retries: number };
  labels?: { label: string; value: string }[];
  wait?: boolean;
  waitTimeout?: number;
}

/** How each input reads as options of `docker create`; what is missing here may not be ignored. */
const options: {
  [Key in keyof Required<ContainerInputs>]: (
    value: Required<ContainerInputs>[Key],
    prefix: string,
  ) => string[];
} = {
  image: () => [],
  restart: (policy) => [`--restart=${policy}`],
  ports: (ports) => ports.map(({ ip, external, internal }) => `--publish=${ip}:${external}:${internal}`),
  volumes: (volumes, prefix) => volumes.map((v) => `--volume=${prefix}-${v.volumeName}:${v.containerPath}`),
  envs: (envs) => envs.map((env) => `--env=${env}`),
  uploads: () => [],
  capabilities: ({ drops, adds }) => [
    ...drops.map((c) => `--cap-drop=${c}`),
    ...adds.map((c) => `--cap-add=${c}`),
  ],
  securityOpts: (names) => names.map((name) => `--security-opt=${name}`),
  user: (user) => [`--user=${user}`],
  readOnly: (value) => [`--read-only=${value}`],
  tmpfs: (mounts) => Object.entries(mounts).map(([path, how]) => `--tmpfs=${path}:${how}`),
  memory: (megabytes) => [`--memory=${megabytes}m`],
  memorySwap: (megabytes) => [`--memory-swap=${megabytes}m`],
  healthcheck: ({ tests: [, ...command], interval, timeout, startPeriod, retries }) => [
    `--health-cmd=${command.join(" ")}`,
    `--health-interval=${interval}`,
    `--health-timeout=${timeout}`,
    `--health-start-period=${startPeriod}`,
    `--health-retries=${retries}`,
  ],
  labels: () => [],
  wait: () => [],
  waitTimeout: () => [],
};

/**
 * Makes a container run as the program registered it; one that runs just so already is left alone.
 * @param image what it runs, where that is not what was registered.
 * @throws GroundError if it does not become healthy, or the program uses an input that is unknown here.
 */
export async function runContainer(
  stack: string,
  { name, inputs }: Registration,
  image?: string,
): Promise<void> {
  const container = inputs as unknown as ContainerInputs;
  const prefix = `image-catalog-${stack}`;
  const what = image ?? container.image;
  const args = Object.entries(inputs).flatMap(([key, value]) => {
    const option = options[key as keyof ContainerInputs] as
      | ((value: unknown, prefix: string) => string[])
      | undefined;
    if (!option)
      throw new GroundError(`\`bake\` cannot run ${name}: it does not know the container input ${key}.`);
    return option(value, prefix);
  });
  const spec = createHash("sha256")
    .update(JSON.stringify([what, args, container.uploads]))
    .digest("hex");
  const id = `${prefix}-${name}`;
  const there = await run("docker", [
    "inspect",
    "--format",
    `{{index .Config.Labels "${SPEC_LABEL}"}} {{.State.Running}}`,
    id,
  ]);
  if (there.stdout.trim() !== `${spec} true`) {
    if (there.code === 0) await must("docker", ["rm", "--force", id]);
    const labels = [`--label=${BAKE_LABEL}=${stack}`, `--label=${SPEC_LABEL}=${spec}`];
    for (const { volumeName } of container.volumes ?? []) {
      await must("docker", ["volume", "create", `--label=${BAKE_LABEL}=${stack}`, `${prefix}-${volumeName}`]);
    }
    await must("docker", ["create", `--name=${id}`, ...labels, ...args, what]);
    for (const { file, content } of container.uploads ?? []) await upload(id, file, content);
    await must("docker", ["start", id]);
  }
  if (container.wait) await untilHealthy(id, container.waitTimeout ?? 60);
}

/** Removes the containers and volumes that `bake` has made for a stack, and answers how many containers. */
export async function removeBaked(stack: string): Promise<number> {
  const filter = ["--quiet", "--filter", `label=${BAKE_LABEL}=${stack}`];
  const list = async (...args: string[]) =>
    (await must("docker", [...args, ...filter])).stdout.split("\n").filter(Boolean);
  const containers = await list("ps", "--all");
  if (containers.length > 0) await must("docker", ["rm", "--force", ...containers]);
  const volumes = await list("volume", "ls");
  if (volumes.length > 0) await must("docker", ["volume", "rm", ...volumes]);
  return containers.length;
}

async function upload(id: string, path: string, content: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-"));
  try {
    writeFileSync(join(folder, "file"), content, { mode: 0o644 });
    await must("docker", ["cp", join(folder, "file"), `${id}:${path}`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function untilHealthy(id: string, seconds: number): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; ; ) {
    const { stdout } = await must("docker", ["inspect", "--format", "{{.State.Health.Status}}", id]);
    if (stdout.trim() === "healthy") return;
    if (Date.now() > deadline) {
      throw new GroundError(
        `The container ${id} is not healthy after ${seconds} s: see \`docker logs ${id}\`.`,
      );
    }
    await sleep(200);
  }
}
