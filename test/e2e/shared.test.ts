import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { parse, stringify } from "yaml";
import { ensureDocker } from "../../ground/machine/docker.ts";
import type { Result } from "../../ground/tools/exec.ts";
import { create, noEngine, previewed, updated } from "../support/engine.ts";
import { noOwnBuilder, startBuilder } from "../support/ownBuilder.ts";
import { makeTinyLayers } from "../support/tinyLayers.ts";
import { serveTlsRegistry, type TlsRegistry } from "../support/tlsRegistry.ts";
import type { Settings, Workspace } from "../support/workspace.ts";

// Two stacks that share a namespace of one registry. It has TLS, so that the provider could delete from it, and it logs
// every request. What is in the images does not matter, whose they are does.
const skip = noEngine || noOwnBuilder;

let workspace: Workspace;
let registry: TlsRegistry;
let stop: () => Promise<void>;
const stacks: { first: Stack; second: Stack } = {} as never;
const second = "test-second";

before(async () => {
  if (skip) return;
  await ensureDocker();
  registry = await serveTlsRegistry();
  workspace = await makeTinyLayers(registry);
  const { stop: stopBuilder } = await startBuilder(workspace.stack, { ...registry, ca: registry.caFile });
  stop = stopBuilder;
  workspace.write(`Pulumi.${second}.yaml`, workspace.read(`Pulumi.${workspace.stack}.yaml`));
  const { folder, stack, env } = workspace;
  stacks.first = await create({ folder, stack, env }, registry.password);
  stacks.second = await create({ folder, stack: second, env }, registry.password);
});
after(async () => {
  await stop?.();
  await registry?.stop();
  await workspace?.remove();
});

/** Changes settings of a stack's file. */
function set(stack: string, settings: Settings): void {
  const file = `Pulumi.${stack}.yaml`;
  const content = parse(workspace.read(file)) as { config: Settings };
  const named = Object.entries(settings).map(([key, value]) => [`catalog:${key}`, value]);
  workspace.write(
    file,
    stringify({ ...content, config: { ...content.config, ...Object.fromEntries(named) } }),
  );
}

const setFlask = (revision: number) =>
  set(workspace.stack, { frameworks: [{ name: "flask", version: "3.1.3", revision }] });
const setSystem = (stack: string, change: object) => {
  const { config } = parse(workspace.read(`Pulumi.${stack}.yaml`)) as {
    config: { "catalog:systems": object[] };
  };
  set(stack, { systems: config["catalog:systems"].map((system) => ({ ...system, ...change })) });
};

/** Asks the registry; its CA is not this process's. */
async function ask(method: string, path: string, body?: string) {
  const { address, username, password, caFile } = registry;
  const asked = request(`https://${address}${path}`, {
    method,
    ca: readFileSync(caFile),
    auth: `${username}:${password}`,
    headers: { accept: MANIFEST, ...(body ? { "content-type": MANIFEST } : {}) },
  });
  asked.end(body);
  const [response] = await once(asked, "response");
  return { status: response.statusCode as number, text: await text(response) };
}
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

const manifest = async (image: string) =>
  (await ask("GET", `/v2/platform/catalog/${image.replace(":", "/manifests/")}`)).text;

/** Every tag of the registry with its digest. */
async function published(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const image of ["debian", "pyenv", "python", "flask"]) {
    const { tags } = JSON.parse((await ask("GET", `/v2/platform/catalog/${image}/tags/list`)).text) as {
      tags: string[] | null;
    };
    for (const tag of tags?.sort() ?? []) {
      found[`${image}:${tag}`] = createHash("sha256")
        .update(await manifest(`${image}:${tag}`))
        .digest("hex");
    }
  }
  return found;
}

/** The requests that have changed what is in the registry; an upload that is given up changes nothing. */
const changes = () => registry.log().match(/"(PUT|DELETE(?! \S*\/blobs\/uploads\/)) \/v2\/[^"]*/g) ?? [];
const up = (stack: string) => workspace.npm(["up", "--stack", stack, "--engine"]);
const ok = ({ code, stdout, stderr }: Result) => assert.equal(code, 0, `${stdout}\n${stderr}`);

/** What a run has said of version tags that it was refused for; the registry is as before. */
async function refused(run: () => Promise<unknown>): Promise<string[]> {
  const [tags, requests] = [await published(), changes().length];
  const { message } = await run().then(
    () => assert.fail("nothing was refused"),
    (error: Error) => error,
  );
  assert.deepEqual(await published(), tags);
  assert.equal(changes().length, requests, "something was pushed");
  return [...new Set(message.match(/\S+ is published, .*?registry\.overwrite to true\./g))].sort();
}

test("stacks that share a registry", { skip }, async (t) => {
  const { stack: first } = workspace;
  const requirements = "images/flask/3.1.3/requirements.txt";
  const long = "3.13.5-debian13";
  const slim = "3.13.5-slim-debian13";

  await t.test("from the first `up` on, the state says that images are retained", async () => {
    ok(await up(first));
    const { deployment } = (await stacks.first.exportStack()) as {
      deployment: { resources: { type: string; retainOnDelete?: boolean }[] };
    };
    const images = deployment.resources.filter(({ type }) => type === "docker-build:index:Image");
    assert.deepEqual(
      images.map(({ retainOnDelete }) => retainOnDelete),
      [true, true, true, true, true],
    );
  });

  await t.test("a build cache is no content: with it all is built again, and no tag moves", async () => {
    const before = await published();
    set(first, { cache: "max" });
    const listed = await previewed(stacks.first);
    assert.equal(listed.filter((name) => name.endsWith("-image")).length, 5);
    assert.deepEqual(await updated(stacks.first), listed);
    const { status } = await ask("GET", "/v2/platform/catalog/cache/manifests/pyenv-2.5-debian-13");
    assert.equal(status, 200);
    assert.deepEqual(await published(), before);
  });

  await t.test("a change is refused at preview together with what is not known yet", async () => {
    set(first, { cache: "min" });
    workspace.edit(requirements, "blinker==", "# Zero.\nblinker==");
    const [line = "", ...more] = await refused(() => stacks.first.preview());
    assert.match(line, /\/flask:3\.1\.3-\S+ is published, and what goes into it changes: /);
    assert.deepEqual(more, []);
    workspace.edit(requirements, "# Zero.\nblinker==", "blinker==");
    set(first, { cache: "none" });
    await stacks.first.up();
  });

  await t.test(
    "version tags of another are refused before anything is built, those to be cured first",
    async () => {
      const [line, ...more] = await refused(async () => ok(await up(second)));
      assert.match(
        line ?? "",
        /\/debian:13 is published, and this stack's state does not know it .*`revision: 2`/,
      );
      assert.deepEqual(more, []);
    },
  );

  await t.test("with a revision both have their own", async () => {
    const before = await published();
    setSystem(second, { revision: 2, packages: ["curl"] });
    await stacks.second.up();
    const after = await published();
    const added = Object.keys(after).filter((tag) => !(tag in before));
    assert.deepEqual(added, [
      "debian:13-r2",
      "pyenv:2.5.4-debian13-r2",
      `python:${long}-r2`,
      `python:${slim}-r2`,
      `flask:3.1.3-python${slim}-r2`,
    ]);
    const moved = Object.keys(before).filter((tag) => before[tag] !== after[tag]);
    assert.deepEqual(
      moved,
      ["pyenv:2.5.4", "python:3.13.5", "python:3.13.5-slim", "flask:3.1.3"],
      "short tags move, and no others",
    );
  });

  await t.test(
    "a foreign image under the next version tag is refused, and the revision after it is not",
    async () => {
      const tag = `flask:3.1.3-r2-python${slim}`;
      const foreign = `${await manifest(`flask:3.1.3-python${slim}`)}\n`;
      const { status } = await ask("PUT", `/v2/platform/catalog/${tag.replace(":", "/manifests/")}`, foreign);
      assert.equal(status, 201);
      setFlask(2);
      const [line = "", ...more] = await refused(() => stacks.first.preview());
      assert.ok(line.includes(`/${tag} is published, and this stack's state does not know it`), line);
      assert.match(
        line,
        /give flask 3\.1\.3-r2 `revision: 3` in the stack file, or set registry\.overwrite to true\.$/,
      );
      assert.deepEqual(more, []);
      setFlask(3);
      await stacks.first.up();
      assert.ok((await published())[tag.replace("r2", "r3")]);
    },
  );

  await t.test(
    "other content under the stack's own version tag is refused, by plain Pulumi too",
    async () => {
      workspace.edit(requirements, "blinker==", "# One.\nblinker==");
      for (const run of [() => stacks.first.preview(), () => stacks.first.up()]) {
        const said = (await refused(run)).join("\n");
        assert.match(
          said,
          /\/flask:3\.1\.3-r3-\S+ is published, and what goes into it changes: .*`revision: 4`/,
        );
      }
    },
  );

  await t.test("the option to overwrite moves the tag", async () => {
    const before = await published();
    const shared = { embedded: false, address: registry.address, username: registry.username };
    set(first, { registry: { ...shared, overwrite: true } });
    await stacks.first.up();
    const after = await published();
    const moved = Object.keys(after).filter((tag) => before[tag] !== after[tag]);
    assert.deepEqual(moved, [`flask:3.1.3-r3-python${slim}`, "flask:3.1.3"].sort());
    set(first, { registry: shared });
  });

  await t.test("a protected stack changes, and is not destroyed, with and without a preview", async () => {
    set(second, { protect: true, frameworks: [] });
    await stacks.second.up();
    const resources = async () => {
      const { deployment } = (await stacks.second.exportStack()) as { deployment: { resources: object[] } };
      return deployment.resources.length;
    };
    const count = await resources();
    await assert.rejects(stacks.second.destroy(), /protection" cannot be deleted\s+because it is protected/);
    await assert.rejects(stacks.second.destroy({ previewOnly: true }), /because it is protected/);
    const down = await workspace.npm(["down", "--stack", second]);
    assert.notEqual(down.code, 0);
    assert.match(
      down.stderr,
      /^✗ Stack test-second is protected and nothing of it was removed: set `catalog:protect: false`/m,
    );
    assert.equal(await resources(), count);
  });

  await t.test("a destroyed stack leaves its images, and those of the other", async () => {
    const [before, requests] = [await published(), changes().length];
    await stacks.first.destroy();
    const { deployment } = (await stacks.first.exportStack()) as { deployment: { resources?: object[] } };
    assert.deepEqual(deployment.resources ?? [], []);
    assert.deepEqual(await published(), before);
    assert.equal(changes().length, requests);
  });

  await t.test("`npm run prune` lists what no stack refers to, and deletes it when told", async () => {
    const before = await published();
    const kept = [
      "debian:13-r2",
      "pyenv:2.5.4",
      "pyenv:2.5.4-debian13-r2",
      "python:3.13.5",
      `python:${long}-r2`,
      "python:3.13.5-slim",
      `python:${slim}-r2`,
    ];
    const orphans = Object.keys(before).filter((tag) => !kept.includes(tag));
    const listed = await workspace.npm(["prune", "--stack", second]);
    ok(listed);
    for (const [tag, digest] of Object.entries(before)) {
      assert.equal(
        listed.stdout.includes(digest.slice(0, 12)),
        orphans.includes(tag),
        `${tag}\n${listed.stdout}`,
      );
    }
    assert.match(
      listed.stdout,
      /^cache +pyenv-2\.5-debian-13 /m,
      "the build cache of the stack that is gone",
    );
    assert.match(listed.stdout, /^No stack refers to 12 images; nothing is deleted\./m);
    assert.deepEqual(await published(), before);

    const deleted = await workspace.npm(["prune", "--stack", second, "--delete"]);
    ok(deleted);
    assert.match(deleted.stdout, /^12 images deleted\./m);
    assert.deepEqual(Object.keys(await published()), kept);
    const again = await workspace.npm(["prune", "--stack", second]);
    assert.match(again.stdout, /^Every image is referred to by a stack\.$/m);
  });
});
