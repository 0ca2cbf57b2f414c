import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import tls from "node:tls";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import type { Images } from "../../ground/program/sizes.ts";
import type { Result } from "../../ground/tools/exec.ts";
import { digestOf, type Login } from "../../ground/tools/registry.ts";
import { create, previewed } from "./engine.ts";
import { startBuilder } from "./ownBuilder.ts";
import { makeTinyLayers } from "./tinyLayers.ts";
import type { TlsRegistry } from "./tlsRegistry.ts";
import type { Workspace } from "./workspace.ts";

/** Tiny layers that are built, in a registry and on a builder of their own, where something is about to fail. */
export interface Stage {
  readonly workspace: Workspace;
  readonly engine: Stack;
  readonly login: Login;
  /** Changes what is in an image: it, and what is built on it, has to be pushed again. */
  change(): void;
  /** `npm run up`. */
  up(env?: Record<string, string>): Promise<Result>;
  /** The same, left running. */
  start(): { output(): string; readonly ended: Promise<number> };
  /** All that the state says is in the registry, and nothing is left to do. */
  isWell(): Promise<void>;
  /** The next `up` finishes the work. */
  finishes(env?: Record<string, string>): Promise<Result>;
  stop(): Promise<void>;
}

/**
 * @param address where the registry is reached, if not at its own address.
 * @param overwrite whether what is changed may keep its version.
 */
export async function setStage(
  registry: TlsRegistry,
  { address = registry.address, overwrite = true } = {},
): Promise<Stage> {
  const target = { ...registry, address, ca: registry.caFile };
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), readFileSync(registry.caFile, "utf8")]);
  const workspace = await makeTinyLayers(target, {
    registry: { embedded: false, address, username: registry.username, overwrite },
    // Some put much into a layer, so that its push takes a while.
    budgets: { pythons: 100 },
  });
  const builder = await startBuilder(workspace.stack, target);
  const engine = await create(workspace, registry.password);
  const up = (env?: Record<string, string>) =>
    workspace.npm(["up", "--stack", workspace.stack, "--engine"], env);
  let changes = 0;
  const stage: Stage = {
    workspace,
    engine,
    login: registry,
    change: () => {
      changes += 1;
      workspace.write(
        "images/python/Dockerfile",
        `ARG PARENT=scratch\nFROM \${PARENT}\nENV CHANGE=${changes}\nCOPY Dockerfile /\n`,
      );
    },
    up,
    start: () => {
      const { child, output } = workspace.start(["up", "--stack", workspace.stack, "--engine"]);
      return { output, ended: once(child, "exit").then(([code]) => code as number) };
    },
    isWell: async () => {
      await isThere(engine, registry);
      assert.deepEqual(await previewed(engine), []);
    },
    finishes: async (env) => {
      const result = await up(env);
      succeeds(result);
      await stage.isWell();
      return result;
    },
    stop: async () => {
      await builder.stop();
      await workspace.remove();
    },
  };
  succeeds(await up());
  return stage;
}

const succeeds = ({ code, stdout, stderr }: Result) => assert.equal(code, 0, `${stdout}\n${stderr}`);

/** Every image that the state has is in the registry, under each of its tags. */
async function isThere(engine: Stack, login: Login): Promise<void> {
  const images = (await engine.outputs()).images?.value as Images;
  assert.equal(Object.keys(images).length, 5);
  for (const { ref, digest, tags } of Object.values(images)) {
    const repository = /^[^/]+\/(.*):[^:]+@/.exec(ref)?.[1] as string;
    for (const tag of tags)
      assert.equal(await digestOf(login, repository, tag), digest, `${repository}:${tag}`);
  }
}

/** The last words of a run that has failed, without a stack trace among them. */
export function lastWords({ code, stdout, stderr }: Result): string {
  assert.equal(code, 1, stdout);
  const words = stderr.slice(stderr.lastIndexOf("✗"));
  assert.doesNotMatch(words, /^\s+at .*:\d+:\d+|rpc error/m);
  return words.trim();
}
