import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:https";
import { homedir, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { call, ensureBuildx } from "../../ground/machine/buildx.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { noEmptyBuildkit } from "../../ground/machine/emptyBuilder.ts";
import { removeLeftovers } from "../../ground/program/leftovers.ts";
import { cacheDir } from "../../ground/tools/cache.ts";
import { stopDaemon } from "../../ground/tools/daemon.ts";
import { must, type Result, run } from "../../ground/tools/exec.ts";
import { previewed, select, updated } from "../support/engine.ts";
import { noEnvironment } from "../support/environments.ts";
import { filesBelow, foundIn, type Samples, sampleCommandLines } from "../support/secrets.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import { serveTlsRegistry, type TlsRegistry } from "../support/tlsRegistry.ts";
import { killUser, startUser } from "../support/user.ts";
import type { Workspace } from "../support/workspace.ts";

// A registry with TLS by a CA of its own, a login, and a name that is not localhost, on a machine on which nobody trusts
// it: builder and engine are set up by the commands themselves, the builder in a cache of this test's own.
const skip = noEnvironment || noEmptyBuildkit();

/** Why there is no registry by name; false where this machine's own name is found. */
const noName = await lookup(hostname()).then(
  () => false as const,
  () => `the name ${hostname()} is not found`,
);

let workspace: Workspace;
let registry: TlsRegistry;
let engine: Stack;
/** Builders and what they are given. */
let cache: string;
/** A Docker configuration without a login. */
let docker: string;
let trusted: string;
let temporary: string;
let samples: Samples;
const logs: string[] = [];

before(async () => {
  if (skip) return;
  await ensureDocker();
  registry = await serveTlsRegistry();
  trusted = `/etc/docker/certs.d/${registry.address}`;
  cache = mkdtempSync(join(tmpdir(), "ic-"));
  temporary = join(cache, "tmp");
  mkdirSync(temporary);
  // As some keep it: the key is of nobody's business.
  appendFileSync(registry.caFile, readFileSync(registry.caKeyFile));
  for (const part of ["bin", "sources", "debian"]) symlinkSync(cacheDir(part), join(cache, part));
  docker = mkdtempSync(join(tmpdir(), "image-catalog-docker-"));
  workspace = await makeStandIns({ pythons: [python("3.13.5")] });
  Object.assign(workspace.env, {
    CATALOG_CACHE: cache,
    DOCKER_CONFIG: docker,
    TMPDIR: temporary,
    BUILDX_CONFIG: process.env.BUILDX_CONFIG ?? join(homedir(), ".docker", "buildx"),
  });
  set({ builder: workspace.stack, ...shared() });
  engine = await select(workspace);
  samples = sampleCommandLines();
});
after(async () => {
  samples?.stop();
  if (workspace) {
    // Not by `npm run down`, which leaves the builder to other stacks of this machine.
    await stopDaemon(join(cache, "run", "buildkitd.pid"));
    await call(await ensureBuildx(), ["rm", "--keep-daemon", workspace.stack]);
    await removeLeftovers(workspace.stack, `${registry.address}/catalog`);
    await workspace.remove();
  }
  await registry?.stop();
  for (const folder of [cache, docker, trusted]) if (folder) rmSync(folder, { recursive: true, force: true });
});

const set = (settings: Record<string, unknown>) =>
  workspace.configure((config) => ({
    ...config,
    ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`catalog:${key}`, value])),
  }));
const shared = (more: object = {}) => {
  const { address, username } = registry;
  return { registry: { embedded: false, address, username, ...more } };
};
/** An application that does not run: the engine takes any name of loopback for a registry without TLS. */
const silent = [{ name: "flask-helloworld", version: "1.0.0", framework: "flask" }];
const withCa = (more: object = {}) => shared({ ca: registry.caFile, ...more });

async function npm(command: string, env: Record<string, string> = {}): Promise<Result> {
  const result = await workspace.npm([command, "--stack", workspace.stack], env);
  logs.push(result.stdout, result.stderr);
  return result;
}
const said = ({ stdout, stderr }: Result) => `${stdout}\n${stderr}`;
/** The requests that have changed what the registry holds. */
const pushes = () => registry.log().match(/"PUT \/v2\/[^"]*/g) ?? [];
const token = () => ({ CATALOG_REGISTRY_PASSWORD: registry.password });

/** That a command ends with one sentence and has pushed nothing. */
async function refused(sentence: RegExp, env: Record<string, string> = {}): Promise<void> {
  const result = await npm("up", env);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, sentence, said(result));
  assert.deepEqual(pushes(), []);
}

/** Asks the registry as nobody; its CA is not this process's. */
async function anonymous(method: string, path: string): Promise<number | undefined> {
  const asked = request(`https://${registry.address}${path}`, { method, ca: readFileSync(registry.caFile) });
  asked.end();
  const [response] = await once(asked, "response");
  response.resume();
  return response.statusCode;
}

interface Resource {
  readonly type: string;
  readonly outputs: { readonly digest: string; readonly ref: string };
}

async function images(): Promise<Resource[]> {
  const { deployment } = (await engine.exportStack()) as { deployment: { resources: Resource[] } };
  return deployment.resources.filter(({ type }) => type === "docker-build:index:Image");
}

async function pulumi(args: string[], env: Record<string, string> = {}, input = "") {
  const { folder, stack } = workspace;
  const command = engine.workspace.pulumiCommand.command;
  const options = { cwd: folder, env: { ...workspace.env, ...env }, input };
  const { code, stdout, stderr } = await run(
    command,
    [...args, "--stack", stack, "--non-interactive"],
    options,
  );
  return { code, output: `${stdout}\n${stderr}` };
}
/** Not by the Automation API, which gives it as an argument. */
const setSecret = (password: string) =>
  pulumi(["config", "set", "--secret", "registryPassword"], {}, password);
const exported = async (args: string[] = []) => (await pulumi(["stack", "export", ...args])).output;

/** That a secret, and the key of the CA, are nowhere but where they are looked up. */
async function search(secret: string): Promise<void> {
  const { stdout: ref } = await must("docker", [
    "images",
    "-q",
    `${registry.address}/catalog/flask-helloworld`,
  ]);
  const history = ["history", "--no-trunc", "--format", "{{json .}}", ref.trim().split("\n")[0] as string];
  const places = {
    ...filesBelow(join(workspace.folder, "state")),
    ...filesBelow(join(workspace.folder, ".catalog")),
    ...filesBelow(registry.storage),
    ...filesBelow(join(cache, "run")),
    ...filesBelow(join(cache, "registries")),
    ...filesBelow(trusted),
    logs: logs.join("\n"),
    "stack file": workspace.read(`Pulumi.${workspace.stack}.yaml`),
    state: await exported(),
    outputs: (await pulumi(["stack", "output", "--show-secrets"])).output,
    history: (await must("docker", history)).stdout,
    "command lines": [...samples.seen].join("\n"),
  };
  assert.ok(Object.keys(places).length > 50, "the registry's blobs are looked at");
  assert.ok(samples.seen.size > 20, "processes were seen");
  assert.deepEqual(foundIn(places, secret), []);
  const [line = ""] = /(?<=KEY-----\n).{40}/.exec(readFileSync(registry.caFile, "utf8")) ?? [];
  assert.ok(line, "the CA's file holds its key");
  assert.deepEqual(foundIn(places, line), []);
}

test("without a login the registry gives nothing and takes nothing, and `up` says how to log in", {
  skip,
}, async () => {
  assert.equal(await anonymous("GET", "/v2/catalog/debian/manifests/13"), 401);
  assert.equal(await anonymous("POST", "/v2/catalog/debian/blobs/uploads/"), 401);
  set(withCa());
  await refused(
    /^✗ The password of robot at \S+ is missing, and there is no login to \S+: `pulumi config set/m,
  );
});

test("a wrong password is one sentence", { skip }, async () => {
  await refused(/^✗ The registry \S+ refuses the password of robot, from CATALOG_REGISTRY_PASSWORD: /m, {
    CATALOG_REGISTRY_PASSWORD: "wrong",
  });
});

test("`doctor` and `up` say who does not trust the CA, and how to mend it", { skip }, async () => {
  set(shared());
  const doctor = await npm("doctor", token());
  assert.equal(doctor.code, 1);
  for (const line of [
    /^! trust +Pulumi's providers do not trust the CA of the registry \S+: set registry\.ca to a PEM file/m,
    /^! trust +BuildKit \(builder \S+\) does not trust the CA of the registry \S+: in its buildkitd\.toml write \[registry\."/m,
    /^! trust +The Docker engine does not trust the CA of the registry \S+: as root .*`install -D -m 644 ca\.pem \/etc\/docker\/certs\.d\//m,
  ])
    assert.match(doctor.stdout, line);
  await refused(/^✗ Pulumi's providers do not trust the CA of the registry \S+: set registry\.ca /m, token());

  set(withCa());
  const later = await npm("doctor", token());
  assert.equal(later.code, 0, said(later));
  assert.match(later.stdout, /^✓ trust +Pulumi's providers: yes$/m);
  assert.match(
    later.stdout,
    /^· trust +BuildKit \(builder \S+\): not yet; `npm run up` gives it registry\.ca$/m,
  );
  assert.match(later.stdout, /^· trust +the Docker engine: not yet; `npm run up` gives it registry\.ca$/m);
  assert.ok(!existsSync(trusted), "doctor changes nothing");
});

test("with `registry.ca` and a token of the environment all works, and nothing else is set up", {
  skip,
}, async () => {
  // The service sleeps and answers nothing, so the command fails in the end; all that it has to make is there.
  const up = await npm("up", token());
  assert.match(
    up.stdout,
    /^✓ registry +\S+, logged in to as robot, from CATALOG_REGISTRY_PASSWORD$/m,
    said(up),
  );
  assert.ok((await images()).length >= 5, said(up));
  const filter = ["--filter", `label=image-catalog.stack=${workspace.stack}`, "--format", "{{.Image}}"];
  const { stdout: runs } = await must("docker", ["ps", "--no-trunc", ...filter]);
  assert.ok(runs.startsWith(`${registry.address}/catalog/flask-helloworld:`), runs);
  assert.deepEqual(
    readdirSync(temporary).filter((name) => name.startsWith("image-catalog-docker-")),
    [],
  );

  const doctor = await npm("doctor", token());
  assert.equal(doctor.code, 0, said(doctor));
  for (const line of [
    /^✓ registry +\S+ answers$/m,
    /^✓ login +robot, from CATALOG_REGISTRY_PASSWORD$/m,
    /^✓ push +robot may push to catalog$/m,
    /^✓ trust +BuildKit \(builder \S+\): yes$/m,
    /^✓ trust +the Docker engine: yes$/m,
  ]) {
    assert.match(doctor.stdout, line);
  }
});

test("a plain `pulumi preview` with the token alone says what it takes", { skip }, async () => {
  const { code, output } = await pulumi(["preview"], token());
  assert.notEqual(code, 0);
  assert.match(output, /registryPassword: missing, and there is no login to \S+: /);
});

test("a token is in no state, no output, no log, no image and no command line, and neither is the CA's key", {
  skip,
}, async () => {
  await search(registry.password);
  assert.deepEqual(foundIn({ state: await exported(["--show-secrets"]) }, registry.password), []);
});

test("with a credential helper nothing changes, and plain Pulumi pushes what does", { skip }, async () => {
  const bin = join(cache, "helpers");
  mkdirSync(bin);
  const answer = JSON.stringify({ Username: registry.username, Secret: registry.password });
  writeFileSync(
    join(bin, "docker-credential-test"),
    `#!/bin/sh\ncat >/dev/null\necho "$1" >>${bin}/asked\ncase "$1" in get) echo '${answer}';; list) echo '{}';; esac\n`,
  );
  chmodSync(join(bin, "docker-credential-test"), 0o755);
  writeFileSync(join(docker, "config.json"), JSON.stringify({ credHelpers: { [registry.address]: "test" } }));
  workspace.env.PATH = `${bin}:${process.env.PATH}`;
  workspace.env.SSL_CERT_FILE = join(workspace.folder, `.catalog/ca-${workspace.stack}.pem`);
  engine = await select(workspace);
  assert.deepEqual(await previewed(engine), []);

  const before = pushes().length;
  workspace.edit("images/flask-helloworld/app/helloworld.py", "Hello", "Goodbye");
  set(withCa({ overwrite: true }));
  const changed = await updated(engine);
  assert.ok(changed.includes("flask-helloworld-image") && !changed.includes("flask-3.1-image"), `${changed}`);
  assert.ok(pushes().length > before);
  assert.match(readFileSync(join(bin, "asked"), "utf8"), /^get$/m);
  assert.deepEqual(foundIn({ state: await exported(["--show-secrets"]) }, registry.password), []);
  const doctor = await npm("doctor");
  assert.match(doctor.stdout, /^✓ login +robot, from docker-credential-test$/m, said(doctor));
});

test("the stack's secret is encrypted, gives the images that were there, and a new one rebuilds none", {
  skip,
}, async () => {
  writeFileSync(join(docker, "config.json"), "{}");
  const digests = async () => (await images()).map(({ outputs }) => outputs.digest);
  const before = await digests();
  await setSecret(registry.password);
  const changed = await updated(engine);
  assert.deepEqual(await digests(), before);
  assert.ok(!changed.some((name) => name.includes("service")), `${changed}`);
  assert.deepEqual(await previewed(engine), []);
  await search(registry.password);

  await setSecret("another");
  assert.deepEqual(await previewed(engine), ["registry-docker"]);
});

test("a registry by its name takes the images too, and the builder then trusts both CAs", {
  skip: skip || noName,
}, async (t) => {
  const named = await serveTlsRegistry({ host: hostname() });
  t.after(async () => {
    set(withCa({ overwrite: true }));
    await setSecret(registry.password);
    await named.stop();
  });
  const { address, username, caFile: ca, password } = named;
  set({ registry: { embedded: false, address, username, ca }, applications: silent });
  await setSecret(password);
  const user = await startUser({ ...process.env, ...workspace.env });
  const early = await npm("up");
  await killUser(user);
  assert.match(early.stderr, /^✗ The builder \S+ has to start anew .*another run uses it \(pid \d+\): /m);

  const up = await npm("up");
  assert.equal(up.code, 0, said(up));
  assert.match(up.stdout, /^✓ trust +BuildKit \(builder \S+\) was given registry\.ca$/m);
  for (const { outputs } of await images())
    assert.ok(outputs.ref.startsWith(`${address}/catalog/`), outputs.ref);
  set(withCa());
  const doctor = await npm("doctor", token());
  assert.match(doctor.stdout, /^✓ trust +BuildKit \(builder \S+\): yes$/m, said(doctor));
});

test("without the engine the same token and CA will do, and the images are the same", { skip }, async () => {
  const before = (await images()).map(({ outputs }) => outputs.digest.slice(7, 19));
  set({ applications: silent });
  const args = ["bake", "--build", "--stack", workspace.stack];
  const result = await workspace.npm(args, token());
  assert.equal(result.code, 0, said(result));
  for (const digest of before) assert.ok(result.stdout.includes(digest), said(result));
  await search(registry.password);
});
