import assert from "node:assert/strict";
import { globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chooseStack } from "../../ground/commands/prepare.ts";
import { ensureBuilder } from "../../ground/machine/builder.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { findPulumi } from "../../ground/machine/pulumi.ts";
import { cacheDir } from "../../ground/tools/cache.ts";
import { daemon, stopDaemon } from "../../ground/tools/daemon.ts";
import { must, type Result, run, which } from "../../ground/tools/exec.ts";
import { type Settings, Workspace } from "../support/workspace.ts";

const pulumi = await findPulumi();
const skip = pulumi.found ? false : `no Pulumi: ${pulumi.why}`;
const sha256 = "0".repeat(64);

let base: string;
const workspaces: Workspace[] = [];
const servers: Server[] = [];

before(async () => {
  await ensureDocker();
  base = (await chooseStack()).name;
});
after(async () => {
  for (const server of servers) server.close();
  for (const workspace of workspaces) await workspace.remove();
});

async function make(settings: Settings = {}): Promise<Workspace> {
  const workspace = await Workspace.make(base, settings);
  workspaces.push(workspace);
  return workspace;
}

/** A server on loopback that answers everything alike. */
async function serve(status: number, body = ""): Promise<number> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

/** The last line on standard error, of a run that has failed without a stack trace and left nothing behind. */
async function sentence(workspace: Workspace, result: Result): Promise<string> {
  assert.notEqual(result.code, 0, result.stdout);
  assert.doesNotMatch(`${result.stdout}\n${result.stderr}`, /^\s+at .*\(.*:\d+:\d+\)/m);
  assert.deepEqual(await workspace.leftovers(), []);
  const lines = result.stderr.trim().split("\n");
  return lines.slice(lines.findLastIndex((line) => line.startsWith("✗"))).join("\n");
}

const up = (workspace: Workspace, env: Record<string, string | undefined> = {}, ...args: string[]) =>
  workspace.npm(["up", "--stack", workspace.stack, ...args], env);

test("no Docker engine", async () => {
  const workspace = await make();
  const result = await up(workspace, { DOCKER_HOST: "unix:///nonexistent.sock" });
  assert.match(
    await sentence(workspace, result),
    /^✗ No Docker engine answers at DOCKER_HOST=unix:\/\/\/nonexistent\.sock: .*\.$/,
  );
});

test("no Pulumi to be had, with --engine", async () => {
  const workspace = await make();
  const result = await up(workspace, { CATALOG_NO_PULUMI: "1" }, "--engine");
  assert.match(await sentence(workspace, result), /^✗ .*hidden by CATALOG_NO_PULUMI/);
});

test("no Pulumi to be had, with a shared registry", async () => {
  const workspace = await make({ registry: { embedded: false, address: "registry.example.com" } });
  const result = await up(workspace, { CATALOG_NO_PULUMI: "1" });
  assert.match(await sentence(workspace, result), /^✗ .*hidden by CATALOG_NO_PULUMI/);
});

test("unknown stack", async () => {
  const workspace = await make();
  const result = await workspace.npm(["up", "--stack", "nowhere"]);
  assert.match(
    await sentence(workspace, result),
    /^✗ There is no stack "nowhere": Pulumi\.nowhere\.yaml is missing; there are article, dev, /,
  );
});

test("unknown option", async () => {
  const workspace = await make();
  assert.match(
    await sentence(workspace, await workspace.npm(["up", "--stak", "dev"])),
    /^✗ Unknown option '--stak'; up takes --stack, --engine, --refresh\.$/,
  );
});

test("a version that is not full, and an unknown operating system, at once", async () => {
  const workspace = await make({
    pythons: [{ version: 3.13, sha256 }],
    systems: [{ name: "debain", version: "13", base: { mmdebstrap: "trixie" } }],
  });
  const said = await sentence(workspace, await up(workspace));
  assert.match(said, /^✗ Pulumi\.[\w-]+\.yaml is not valid:$/m);
  assert.match(
    said,
    /^ {2}- pythons\[0\]\.version: found 3\.13; a full version is needed, for example 3\.13\.5$/m,
  );
  assert.match(
    said,
    /^ {2}- systems\[0\]\.name: found "debain"; did you mean debian\? \(allowed: alpine, debian\)$/m,
  );
});

test("missing password of a shared registry", { skip }, async () => {
  const workspace = await make({
    registry: { embedded: false, address: "registry.example.com", username: "robot" },
  });
  const result = await up(workspace, { CATALOG_REGISTRY_PASSWORD: undefined });
  assert.match(
    await sentence(workspace, result),
    /^✗ The password of robot at registry\.example\.com is missing, and there is no login to registry\.example\.com: /,
  );
});

test("a password in plain text", async () => {
  const workspace = await make({ registryPassword: "hunter2" });
  const said = await sentence(workspace, await up(workspace));
  assert.match(said, /^ {2}- registryPassword: found plain text; a secret is needed: /m);
  assert.doesNotMatch(said, /hunter2/);
});

test("a password in the environment alone will do", { skip }, async () => {
  const workspace = await make({});
  const env = { CATALOG_REGISTRY_PASSWORD: "of-the-environment" };
  const { code, stdout, stderr } = await workspace.npm(["preview", "--stack", workspace.stack], env);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /builds 6 new images\.$/m);
  assert.doesNotMatch(workspace.read(`Pulumi.${workspace.stack}.yaml`), /registryPassword/);
});

test("wrong password of a shared registry", { skip }, async () => {
  const address = `localhost:${await serve(401)}`;
  const workspace = await make({ registry: { embedded: false, address, username: "robot" } });
  const result = await up(workspace, { CATALOG_REGISTRY_PASSWORD: "wrong" });
  assert.match(
    await sentence(workspace, result),
    new RegExp(`^✗ The registry ${address} refuses the password of robot, from CATALOG_REGISTRY_PASSWORD: `),
  );
});

test("a port in use", async () => {
  const publish = await serve(200);
  const application = {
    name: "flask-helloworld",
    version: "1.0.0",
    framework: "flask",
    publish,
  };
  const workspace = await make({ applications: [application] });
  const said = await sentence(workspace, await up(workspace));
  assert.match(
    said,
    new RegExp(`^✗ Port ${publish}, on which flask-helloworld .* is in use by another process; `),
  );
});

test("a prepared source with another checksum", async () => {
  const rootfs = `${import.meta.dirname}/mistakes.test.ts`;
  const workspace = await make({ systems: [{ name: "debian", version: "13", base: { rootfs, sha256 } }] });
  assert.match(await sentence(workspace, await up(workspace)), new RegExp(`^✗ .*${sha256}`));
});

test("a downloaded source with another checksum", async () => {
  const port = await serve(200, "not a Python");
  const { config } = await chooseStack();
  const cpython = { url: `http://127.0.0.1:${port}/Python-{version}.tar.xz` };
  const workspace = await make({ sources: { ...config.sources, cpython } });
  const result = await workspace.npm(["bake", "--build", "--stack", workspace.stack]);
  assert.notEqual(result.code, 0);
  assert.match(
    result.stderr,
    /^ {2}- python-3\.13-debian-13: ADD .* failed\. A source is not what its checksum says: digest mismatch .*93e583f2/m,
  );
});

const buildkitd = which("buildkitd") ?? globSync(join(cacheDir("bin"), "buildkitd-*"))[0];
const noSmallDisk =
  process.getuid?.() !== 0 || buildkitd === undefined
    ? "a disk of its own for a builder needs root and buildkitd as a process"
    : false;

test("a full disk", { skip: noSmallDisk }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "image-catalog-full-"));
  const [disk, socket, pidFile] = ["disk", "socket", "pid"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const workspace = await make();
  const [command = "", ...args] = (await ensureBuilder("catalog")).buildx;
  mkdirSync(disk);
  await must("mount", ["-t", "tmpfs", "-o", "size=60m", "tmpfs", disk]);
  try {
    const options = ["--root", join(disk, "state"), "--addr", `unix://${socket}`, "--oci-worker-net", "host"];
    await daemon(buildkitd as string, options, { log: join(folder, "log"), pidFile });
    await must(command, [
      ...args,
      "create",
      "--name",
      workspace.stack,
      "--driver",
      "remote",
      `unix://${socket}`,
    ]);
    await must(command, [...args, "inspect", "--bootstrap", workspace.stack]);
    workspace.edit(
      `Pulumi.${workspace.stack}.yaml`,
      "config:\n",
      `config:\n  catalog:builder: ${workspace.stack}\n`,
    );
    const { code, stderr } = await workspace.npm(["bake", "--build", "--stack", workspace.stack]);
    assert.notEqual(code, 0);
    assert.match(stderr, /^ {2}- debian-13: .*The disk is full: /m);
  } finally {
    await run(command, [...args, "rm", "--keep-daemon", workspace.stack]);
    await stopDaemon(pidFile);
    // The last processes of a killed build may still have files open there.
    await must("umount", ["--lazy", disk]);
    rmSync(folder, { recursive: true, maxRetries: 20 });
  }
});
