import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ensureDocker } from "../../ground/machine/docker.ts";
import type { Images } from "../../ground/program/sizes.ts";
import { must, type Result } from "../../ground/tools/exec.ts";
import { ask, deleteManifest, digestOf, putManifest } from "../../ground/tools/registry.ts";
import { previewed, select, noEngine as skip } from "../support/engine.ts";
import { noOwnBuilder } from "../support/ownBuilder.ts";
import { type Stage, setStage } from "../support/stage.ts";
import { answering, makeStandIns, python } from "../support/standIns.ts";
import { serveTlsRegistry } from "../support/tlsRegistry.ts";
import type { Workspace } from "../support/workspace.ts";

// What somebody changes behind the stack's back, docs/faults.md: `up` alone sees nothing of it, `up -- --refresh` mends it.
before(async () => {
  if (!skip) await ensureDocker();
});

const succeeds = ({ code, stdout, stderr }: Result) => assert.equal(code, 0, `${stdout}\n${stderr}`);
const nothingChanged = ({ stdout }: Result) =>
  assert.doesNotMatch(stdout, /\d+ (created|updated|replaced|deleted)/);

test("images that somebody changed in the registry", { skip: skip || noOwnBuilder }, async (t) => {
  const registry = await serveTlsRegistry();
  const stage = await setStage(registry, { overwrite: false });
  after(async () => {
    await stage.stop();
    await registry.stop();
  });
  const images = (await stage.engine.outputs()).images?.value as Images;
  const digest = (layer: string) => images[layer]?.digest as string;
  const flask = "platform/catalog/flask";
  const tags = images["flask-3.1-python-3.13-debian-13"]?.tags ?? [];

  await t.test("nothing has: `--refresh` finds nothing", async () => {
    const result = await refresh(stage);
    assert.match(result.stdout, /^✓ drift +none: 9 tags point at what the state says$/m);
    nothingChanged(result);
  });

  await t.test("a tag that points elsewhere points at the stack's image again", async () => {
    assert.equal(tags.length, 2);
    const own = digest("flask-3.1-python-3.13-debian-13");
    const foreign = `${await (await ask(registry, `/v2/${flask}/manifests/${own}`)).text()}\n`;
    const type = "application/vnd.oci.image.manifest.v1+json";
    for (const tag of tags) await putManifest(registry, flask, tag, { type, bytes: Buffer.from(foreign) });
    const other = (await digestOf(registry, flask, tags[0] ?? "")) as string;
    assert.ok(other && other !== own);
    nothingChanged(await stage.up());
    assert.equal(await digestOf(registry, flask, tags[0] ?? ""), other, "`up` alone sees nothing of it");
    const result = await refresh(stage);
    for (const tag of tags) {
      const found = `${registry.address}/${flask}:${tag} pointed at ${other.slice(7, 19)}`;
      assert.ok(result.stdout.includes(`${found}: it points at ${own.slice(7, 19)} again`), result.stdout);
      assert.equal(await digestOf(registry, flask, tag), own);
    }
    nothingChanged(result);
  });

  for (const layer of ["flask-3.1-python-3.13-debian-13", "pyenv-2.5-debian-13"]) {
    await t.test(`a digest that was deleted is made again: ${layer}`, async () => {
      const own = digest(layer);
      const repository = `platform/catalog/${layer.split("-")[0]}`;
      await deleteManifest(registry, repository, own);
      const result = await refresh(stage);
      assert.match(result.stdout, /^! drift .*: it is made again$/m);
      assert.ok(result.stdout.includes(own.slice(7, 19)), result.stdout);
      await stage.isWell();
    });
  }
});

async function refresh({ workspace }: Pick<Stage, "workspace">): Promise<Result> {
  const result = await workspace.npm(["up", "--stack", workspace.stack, "--engine", "--refresh"]);
  succeeds(result);
  return result;
}

test("containers that somebody changed", { skip }, async (t) => {
  const workspace: Workspace = await makeStandIns(
    { pythons: [python("3.13.5")] },
    { "images/flask-helloworld": answering },
  );
  after(() => workspace.remove());
  succeeds(await workspace.npm(["up", "--stack", workspace.stack, "--engine"]));
  const engine = await select(workspace);

  const container = async (format: string) => {
    const filter = ["--filter", `label=image-catalog.stack=${workspace.stack}`, "--filter", "name=service"];
    const { stdout } = await must("docker", ["ps", "--all", "--quiet", ...filter]);
    return (await must("docker", ["inspect", "--format", format, stdout.trim()])).stdout.trim();
  };
  const id = () => container("{{.Id}}");
  const isWell = async () => {
    assert.equal(
      await container("{{.State.Health.Status}} {{.HostConfig.Memory}}"),
      `healthy ${256 * 2 ** 20}`,
    );
    assert.deepEqual(await previewed(engine), []);
  };
  await isWell();

  await t.test("none: `--refresh` changes nothing", async () => {
    nothingChanged(await refresh({ workspace }));
  });

  const byHand: Record<string, [string[], boolean]> = {
    "killed, it is made again": [["kill"], false],
    "with other memory, it gets its own": [["update", "--memory=128m", "--memory-swap=128m"], true],
    "removed, it is made again": [["rm", "--force"], false],
  };
  for (const [what, [command, stays]] of Object.entries(byHand)) {
    await t.test(what, async () => {
      const before = await id();
      await must("docker", [...command, before]);
      await refresh({ workspace });
      assert.equal((await id()) === before, stays);
      await isWell();
    });
  }

  await t.test("the registry's, removed: it is made again, with its images", async () => {
    const filter = ["--filter", `label=image-catalog.stack=${workspace.stack}`, "--filter", "name=registry"];
    const { stdout } = await must("docker", ["ps", "--quiet", ...filter]);
    await must("docker", ["rm", "--force", stdout.trim()]);
    const result = await refresh({ workspace });
    assert.match(result.stdout, /^✓ drift +none: \d+ tags point at what the state says$/m);
    await isWell();
  });
});
