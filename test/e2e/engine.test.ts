import assert from "node:assert/strict";
import { chmodSync, globSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { checkBuilder } from "../../ground/machine/builder.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import type { Images } from "../../ground/program/sizes.ts";
import { must, run } from "../../ground/tools/exec.ts";
import { ask, digestOf } from "../../ground/tools/registry.ts";
import { previewed, select, noEngine as skip, updated } from "../support/engine.ts";
import { loginOf, Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let stack: Stack;
const clones: Workspace[] = [];

before(async () => {
  if (skip) return;
  await ensureDocker();
  workspace = await Workspace.make((await chooseStack()).name);
  workspace.askPolicies();
});
after(async () => {
  for (const clone of clones) await clone.remove();
  await workspace?.remove();
});

/** The plugins and language hosts of Pulumi that run. */
const plugins = async () =>
  (await run("pgrep", ["-f", "pulumi-(language|resource)-[^ ]+ 127"])).stdout.split("\n").filter(Boolean);

const container = async (format: string) => {
  const filters = [
    "--filter",
    `label=image-catalog.stack=${workspace.stack}`,
    "--filter",
    `publish=${workspace.port}`,
  ];
  const { stdout } = await must("docker", ["ps", "--quiet", ...filters]);
  return (await must("docker", ["inspect", "--format", format, stdout.trim()])).stdout.trim();
};
const answer = async (path = "") => (await fetch(`http://127.0.0.1:${workspace.port}/${path}`)).text();

test("the chain with the real engine", { skip }, async (t) => {
  await t.test("`npm run up` ends with the service's answer", async () => {
    const { code, stdout, stderr } = await workspace.npm(["up", "--stack", workspace.stack, "--engine"]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, new RegExp(`http://127\\.0\\.0\\.1:${workspace.port}/ {2}→ Hello, World!\\s`));
    stack = await select(workspace);
  });

  const outputs = async () => {
    const { images, serviceUrl } = await stack.outputs();
    return { images: images?.value as Images, serviceUrl: serviceUrl?.value as string };
  };

  await t.test(
    "/ and /index answer, from a container that runs as uid 1000 by the digest of the registry",
    async () => {
      assert.equal(await answer(), "Hello, World!");
      assert.equal(await answer("index"), "Hello, World!");
      const { images, serviceUrl } = await outputs();
      assert.equal(serviceUrl, `http://127.0.0.1:${workspace.port}/`);
      const ref = images["flask-helloworld"]?.ref as string;
      assert.equal(await container("{{.Config.Image}}"), ref);
      const inside = await must("docker", ["exec", await container("{{.Id}}"), "id", "-u"]);
      assert.equal(inside.stdout.trim(), "1000");
      assert.equal(
        await container("{{.State.Health.Status}} {{.HostConfig.ReadonlyRootfs}}"),
        "healthy true",
      );
    },
  );

  await t.test(
    "all layers are in the registry, behind its login, with the digests of the outputs",
    async () => {
      const password = (await stack.getConfig("registryPassword")).value;
      const login = loginOf(workspace, password);
      const { images } = await outputs();
      assert.equal(Object.keys(images).length, 6);
      for (const { ref, digest, tags } of Object.values(images)) {
        const repository = /^[^/]+\/(.*):[^:]+@/.exec(ref)?.[1] as string;
        for (const tag of tags)
          assert.equal(await digestOf(login, repository, tag), digest, `${repository}:${tag}`);
        const refused = await ask({ ...login, password: "wrong" }, `/v2/${repository}/manifests/${digest}`);
        assert.equal(refused.status, 401);
      }
    },
  );

  await t.test("the state says that each layer depends on its parent", async () => {
    const { deployment } = (await stack.exportStack()) as {
      deployment: { resources: { urn: string; type: string; dependencies?: string[] }[] };
    };
    const { images } = await outputs();
    for (const [name, { parent }] of Object.entries(images)) {
      const image = deployment.resources.find(({ urn }) =>
        urn.endsWith(`docker-build:index:Image::${name}-image`),
      );
      const on = image?.dependencies?.map((urn) => urn.split("::").at(-1)) ?? [];
      assert.ok(on.includes(parent === null ? "registry-container" : `${parent}-image`), `${name}: ${on}`);
    }
  });

  await t.test("again: nothing changes, by `npm run up` and by preview", async () => {
    const { code, stdout } = await workspace.npm(["up", "--stack", workspace.stack, "--engine"]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ +\d+ unchanged$/m);
    assert.doesNotMatch(stdout, /\d+ (created|updated|replaced|deleted)/);
    assert.deepEqual(await previewed(stack), []);
  });

  await t.test("chmod g+w, touch and another umask: nothing changes", async () => {
    for (const file of globSync("images/**/*", { cwd: workspace.folder, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      chmodSync(path, statSync(path).mode | 0o020);
      if (file.isFile()) utimesSync(path, 1, 1);
    }
    await must("rm", ["-rf", join(workspace.folder, ".catalog/contexts")]);
    const umask = process.umask(0o077);
    try {
      assert.deepEqual(await previewed(stack), []);
    } finally {
      process.umask(umask);
    }
  });

  await t.test("another checkout in another folder with the same state: nothing changes", async () => {
    const clone = await workspace.clone();
    clones.push(clone);
    // As a fresh clone has it: without the secret that the first checkout's stack file was given.
    const file = `Pulumi.${clone.stack}.yaml`;
    clone.write(
      file,
      clone
        .read(file)
        .replace(/^ {2}catalog:registryPassword:\n {4}secure: .*\n/m, "")
        .replace(/^encryptionsalt: .*\n/m, ""),
    );
    assert.doesNotMatch(clone.read(file), /secure|encryptionsalt/);
    const { code, stdout, stderr } = await clone.npm(["up", "--stack", clone.stack, "--engine"]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /password .*taken from the state/);
    assert.doesNotMatch(stdout, /\d+ (created|updated|replaced|deleted)/);
  });

  await t.test(
    "one changed line of the application: only its image and its container, as previewed",
    async () => {
      const expected = ["image", "service-container", "service-image"].map(
        (name) => `flask-helloworld-${name}`,
      );
      const before = (await outputs()).images;
      workspace.edit("images/flask-helloworld/app/helloworld.py", "Hello, World!", "Hello, Pulumi!");
      assert.deepEqual(await previewed(stack), expected);
      assert.deepEqual(await updated(stack), expected);
      assert.equal(await answer(), "Hello, Pulumi!");
      const { images } = await outputs();
      for (const [name, { digest }] of Object.entries(images)) {
        assert.equal(digest === before[name]?.digest, name !== "flask-helloworld", name);
      }
    },
  );

  await t.test(
    "a comment in the application's Dockerfile is listed, and leaves the container alone",
    async () => {
      const id = await container("{{.Id}}");
      workspace.edit("images/flask-helloworld/Dockerfile", "EXPOSE", "# The port.\nEXPOSE");
      assert.ok((await previewed(stack)).includes("flask-helloworld-service-container"));
      const touched = await updated(stack);
      assert.deepEqual(touched, ["flask-helloworld-image"]);
      assert.equal(await container("{{.Id}}"), id);
    },
  );

  await t.test(
    "killed in the middle of a build, the next `npm run up` finishes and leaves nothing over",
    async () => {
      workspace.edit("images/flask-helloworld/app/helloworld.py", "Hello, Pulumi!", "Hello, World!");
      workspace.edit("images/flask-helloworld/Dockerfile", "EXPOSE", "RUN sleep 20\nEXPOSE");
      const before = await plugins();
      const running = workspace.start(["up", "--stack", workspace.stack, "--engine"]);
      for (let tries = 0; !running.output().includes("RUN sleep 20"); tries++) {
        assert.ok(tries < 300 && running.child.exitCode === null, running.output());
        await sleep(200);
      }
      const { stdout: engines } = await run("pgrep", ["-f", `pulumi up .*--stack ${workspace.stack} `]);
      assert.notEqual(engines.trim(), "");
      for (const pid of engines.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
      await new Promise((done) => running.child.once("exit", done));

      workspace.edit("images/flask-helloworld/Dockerfile", "RUN sleep 20\n", "");
      const { code, stdout, stderr } = await workspace.npm(["up", "--stack", workspace.stack, "--engine"]);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      assert.match(stdout, /^· state .*lock of a killed run .*, and [1-9]\d* processes that it had left$/m);
      const after = await plugins();
      assert.deepEqual(
        after.filter((pid) => !before.includes(pid)),
        [],
      );
      assert.match(stdout, /→ Hello, World!/);
      assert.deepEqual(await previewed(stack), []);
      const containers = (await workspace.leftovers()).filter((name) => name.startsWith("container"));
      assert.equal(containers.length, 2, containers.join());
    },
  );

  await t.test("the way without Pulumi makes the same files and the same configuration", async () => {
    const other = await Workspace.make((await chooseStack()).name);
    clones.push(other);
    const baked = await other.npm(["bake", "--build", "--stack", other.stack], { CATALOG_NO_PULUMI: "1" });
    assert.equal(baked.code, 0, `${baked.stdout}\n${baked.stderr}`);
    const content = async (port: number) => {
      const { stdout: id } = await must("docker", ["ps", "--quiet", "--filter", `publish=${port}`]);
      const { stdout: image } = await must("docker", ["inspect", "--format", "{{.Image}}", id.trim()]);
      const format = "{{json .RootFS}} {{json .Config}} {{.Architecture}} {{.Os}}";
      return (await must("docker", ["image", "inspect", "--format", format, image.trim()])).stdout;
    };
    workspace.edit("images/flask-helloworld/Dockerfile", "# The port.\n", "");
    await stack.up();
    assert.equal(await content(other.port), await content(workspace.port));
  });

  await t.test("`npm run down` leaves nothing, but for the builder, which this test uses", async () => {
    const { code, stdout, stderr } = await workspace.npm(["down", "--stack", workspace.stack]);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.deepEqual(await workspace.leftovers(), []);
    assert.match(stdout, new RegExp(`^· builder +left running, .*\\b${process.pid}\\b`, "m"));
    assert.ok((await checkBuilder("catalog")).ok);
    const { deployment } = (await stack.exportStack()) as { deployment: { resources?: object[] } };
    assert.deepEqual(deployment.resources ?? [], []);
  });
});
