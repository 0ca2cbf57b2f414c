import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { globSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { must } from "../../ground/tools/exec.ts";
import { noEngine } from "../support/engine.ts";
import { type Fault, type FaultyRegistry, serveFaulty } from "../support/faultyRegistry.ts";
import { noOwnBuilder } from "../support/ownBuilder.ts";
import { lastWords, type Stage, setStage } from "../support/stage.ts";
import { serveTlsRegistry, type TlsRegistry } from "../support/tlsRegistry.ts";

// docs/faults.md, as it is seen: each fault is brought about, `up` says what it was, and the next `up` finishes.
const skip = noEngine || noOwnBuilder;
const layer = "python-3.13-debian-13";

before(async () => {
  if (!skip) await ensureDocker();
});

/** The last words about one layer on which others stand. */
const words = (cause: string) =>
  new RegExp(
    `^✗ Not everything could be built:\n {2}- ${layer}: ${cause}\n` +
      ` {4}Not attempted because of it: python-3\\.13-slim-debian-13, flask-3\\.1-${layer.replaceAll(".", "\\.")}\\.\n` +
      "All else is built, and nothing that was there is lost\\. The same command builds what is missing\\.$",
  );

test("requests that fail for a while", { skip }, async (t) => {
  const registry = await serveTlsRegistry();
  const faulty: FaultyRegistry = await serveFaulty(registry);
  const stage = await setStage(registry, { address: faulty.address });
  after(async () => {
    await stage.stop();
    faulty.stop();
    await registry.stop();
  });
  const host = faulty.address.replaceAll(".", "\\.");
  const isPush = ({ method, url = "" }: IncomingMessage) =>
    method === "POST" && url.includes("/python/blobs/uploads/");
  const isManifest = ({ method, url = "" }: IncomingMessage) =>
    method === "PUT" && url.includes("/python/manifests/");

  const lost = JSON.stringify({
    errors: [{ code: "MANIFEST_BLOB_UNKNOWN", message: "blob unknown to registry" }],
  });
  const passing: Record<string, [typeof isPush, Fault, string]> = {
    "429": [isPush, { status: 429, headers: { "retry-after": "1" } }, "answers 429"],
    "500": [isPush, { status: 500 }, "answers 500"],
    "broken connections": [isPush, "reset", "does not answer \\(it breaks off\\)"],
    "a layer that another push is writing": [
      isManifest,
      { status: 400, headers: { "content-type": "application/json" }, body: lost },
      "does not find a layer that it has just taken \\(blob unknown to registry\\)",
    ],
  };
  for (const [what, [fails, fault, trouble]] of Object.entries(passing)) {
    await t.test(`${what}: the same \`up\` goes on when it has passed`, async () => {
      stage.change();
      const running = stage.start();
      const isOver = () => running.output().includes("trying again");
      faulty.fault = (request) => (fails(request) && !isOver() ? fault : undefined);
      assert.equal(await running.ended, 0, running.output());
      assert.match(
        running.output(),
        new RegExp(`${layer}-image: the registry ${host} ${trouble}; trying again in 5 s \\(1 of 3\\)\\.`),
      );
      await stage.isWell();
    });
  }

  await t.test("refused for good, it is not tried again", async () => {
    stage.change();
    faulty.fault = (request) => (isPush(request) ? { status: 403 } : undefined);
    const result = await stage.up();
    assert.match(
      lastWords(result),
      words(`.*The registry ${host} refuses \\S+/python to this login \\(403\\): .*`),
    );
    assert.doesNotMatch(result.stdout, /trying again/);
    faulty.fault = () => undefined;
    await stage.finishes();
  });

  await t.test("a login that expires between two layers", async () => {
    stage.change();
    let expired = false;
    faulty.fault = (request) => {
      expired ||= isPush(request);
      return expired ? { status: 401, headers: { "www-authenticate": 'Basic realm="catalog"' } } : undefined;
    };
    const result = await stage.up();
    assert.match(lastWords(result), words(`.*The registry ${host} refuses the login: .*`));
    assert.doesNotMatch(result.stdout, /trying again/);
    faulty.fault = () => undefined;
    await stage.finishes();
  });
});

/** A registry and all that it takes to fill it. */
async function direct(options: Parameters<typeof serveTlsRegistry>[0] = {}) {
  const registry = await serveTlsRegistry(options);
  const stage = await setStage(registry);
  after(async () => {
    await stage.stop();
    await registry.stop();
  });
  return { registry, stage };
}

/** Puts so many megabytes into a layer. */
function fatten({ workspace }: Stage, megabytes: number): void {
  writeFileSync(join(workspace.folder, "images/python/fat"), randomBytes(megabytes * 1e6));
  workspace.write("images/python/Dockerfile", `ARG PARENT=scratch\nFROM \${PARENT}\nCOPY fat /\n`);
}

test("a registry that is killed while a layer is pushed", { skip }, async () => {
  const { registry, stage } = await direct();
  fatten(stage, 64);
  const running = stage.up();
  while (!isUploading(registry)) await sleep(5);
  await registry.kill();
  assert.ok(isUploading(registry), "the layer had arrived");
  const result = await running;
  assert.match(lastWords(result), words(`.*The registry .* does not answer \\(connection refused\\)\\.`));
  assert.match(result.stdout, /trying again in 20 s \(3 of 3\)/);
  await registry.start();
  await stage.finishes();
});

/** Whether some of a layer has arrived, and not all. */
function isUploading({ storage }: TlsRegistry): boolean {
  const files = globSync(
    join(storage, "docker/registry/v2/repositories/platform/catalog/python/_uploads/*/data"),
  );
  return files.some((file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 1e6);
}

const noDisk = process.getuid?.() === 0 ? false : "only root can give a registry a disk of its own";

test("a registry whose disk is full", { skip: skip || noDisk }, async () => {
  const { registry, stage } = await direct({ disk: "16m" });
  fatten(stage, 32);
  const result = await stage.up();
  assert.match(lastWords(result), words(".*(: is its disk full\\?|answers 500; its own log says why\\.)"));
  await must("mount", ["-o", "remount,size=128m", registry.storage]);
  await stage.finishes();
});
