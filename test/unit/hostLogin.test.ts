/** Logins that no stack holds: a token of the environment's, and what the host's Docker configuration has. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { RunError } from "@pulumi/pulumi";
import { userLogin } from "../../components/dockerLogin.ts";
import { outsideLogin, withProviders } from "../../ground/program/login.ts";
import { type Recording, record } from "../../ground/program/record.ts";
import { readStack, type Stack } from "../../ground/program/stack.ts";
import { GroundError } from "../../ground/tools/log.ts";

const before = { ...process.env };
const root = mkdtempSync(join(tmpdir(), "host-login-"));
const dev = readStack("dev");
const address = "registry.example.com";
const registry = { embedded: false, address, username: "robot" };
const shared: Stack = {
  ...dev,
  hasPassword: false,
  values: { ...dev.values, registry },
  config: { ...dev.config, registry: { ...dev.config.registry, ...registry } },
};
let docker: string;

beforeEach(() => {
  docker = mkdtempSync(join(root, "docker-"));
  process.env = { ...before, DOCKER_CONFIG: docker };
  delete process.env.CATALOG_REGISTRY_PASSWORD;
});
after(() => {
  process.env = before;
  rmSync(root, { recursive: true });
});

const configure = (config: object) => writeFileSync(join(docker, "config.json"), JSON.stringify(config));
const auth = (login: string) => ({ auth: Buffer.from(login).toString("base64") });
const loggedIn = () => configure({ auths: { [address]: auth("robot:of-the-file") } });

async function refused(): Promise<string> {
  const error = await record(shared).then(
    () => assert.fail("the program accepted it"),
    (error: Error) => error,
  );
  assert.ok(RunError.isInstance(error), error.stack);
  return error.message;
}

describe("the program, where the stack has no secret,", () => {
  const holders = ({ resources }: Recording) =>
    resources.flatMap(({ name, inputs }) => (/of-the-/.test(JSON.stringify(inputs)) ? name : []));

  test("leaves the login to the host's Docker configuration, and registers nothing of it", async () => {
    loggedIn();
    const recording = await record(shared);
    assert.deepEqual(holders(recording), []);
    const inputs = (of: string) => recording.resources.find(({ name }) => name === of)?.inputs;
    assert.deepEqual(inputs("registry-docker")?.registryAuth, JSON.stringify([{ address }]));
    assert.deepEqual(inputs("debian-13-image")?.registries, []);
  });

  test("takes a token that is there for the providers, and registers nothing of it", async () => {
    process.env.CATALOG_REGISTRY_PASSWORD = "of-the-file";
    loggedIn();
    assert.deepEqual(holders(await record(shared)), []);
  });

  test("refuses a token that the providers do not see", async () => {
    process.env.CATALOG_REGISTRY_PASSWORD = "of-the-environment";
    loggedIn();
    const message = await refused();
    assert.match(message, /CATALOG_REGISTRY_PASSWORD reaches Pulumi's providers by `npm run up` and/);
    assert.doesNotMatch(message, /of-the-/);
  });

  test("says the ways to log in where there is no login", async () => {
    assert.match(
      await refused(),
      /registryPassword: missing, and there is no login to registry\.example\.com: `pulumi config set .*, `docker login registry\.example\.com`, or CATALOG_REGISTRY_PASSWORD with `npm run up`$/,
    );
  });

  test("refuses an identity token, which the providers would leave out", async () => {
    configure({ auths: { [address]: { identitytoken: "of-the-file" } } });
    const message = await refused();
    assert.match(message, /config\.json keeps an identity token for registry\.example\.com, which Pulumi's/);
    assert.doesNotMatch(message, /of-the-/);
  });

  test("takes the environment's for the password of an embedded registry, a secret", async () => {
    process.env.CATALOG_REGISTRY_PASSWORD = "of-the-environment";
    const recording = await record(dev);
    assert.ok(holders(recording).includes("registry-docker"));
    assert.equal(recording.outputs.registryPassword, "of-the-environment");
  });
});

test("without the stack's secret, the environment's token comes before the Docker configuration", async () => {
  await assert.rejects(outsideLogin(shared), (error: Error) => {
    assert.ok(error instanceof GroundError);
    assert.match(
      error.message,
      /^The password of robot at registry\.example\.com is missing, and there is no/,
    );
    return true;
  });
  loggedIn();
  const file = join(docker, "config.json");
  const filed = { address, username: "robot", password: "of-the-file", from: file };
  assert.deepEqual(await outsideLogin(shared), filed);
  process.env.CATALOG_REGISTRY_PASSWORD = "of-the-environment";
  const { password, from } = await outsideLogin(shared);
  assert.deepEqual([password, from], ["of-the-environment", "CATALOG_REGISTRY_PASSWORD"]);
});

describe("the providers of a stack without a secret", () => {
  const state = { env: { A: "b" }, text: "" };

  test("have a Docker configuration with the token beside the user's logins, which is then gone", async () => {
    const others = { "other.example.com": auth("robot:other") };
    mkdirSync(join(docker, "contexts"));
    configure({ auths: others, credsStore: "desktop", currentContext: "remote" });
    const user = readFileSync(join(docker, "config.json"), "utf8");
    process.env.CATALOG_REGISTRY_PASSWORD = "of-the-environment";
    let folder = "";
    await withProviders(shared, state, async ({ env }) => {
      folder = env.DOCKER_CONFIG as string;
      assert.equal(env.A, "b");
      assert.equal(env.BUILDX_CONFIG, join(docker, "buildx"));
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      assert.equal(statSync(join(folder, "config.json")).mode & 0o777, 0o600);
      assert.ok(existsSync(join(folder, "contexts")));
      assert.deepEqual(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")), {
        auths: { ...others, [address]: auth("robot:of-the-environment") },
        // Not the store of all.
        credHelpers: { [address]: "" },
        credsStore: "desktop",
        currentContext: "remote",
      });
      process.env.DOCKER_CONFIG = folder;
      assert.equal((await userLogin(address, AbortSignal.timeout(1000)))?.password, "of-the-environment");
    });
    assert.ok(!existsSync(folder));
    assert.equal(readFileSync(join(docker, "config.json"), "utf8"), user);
  });

  test("have one where the user has none, as the docker provider does not start without", async () => {
    await withProviders(shared, state, async ({ env }) => {
      assert.equal(readFileSync(join(env.DOCKER_CONFIG as string, "config.json"), "utf8"), "{}");
    });
  });

  test("have it removed after a failure", async () => {
    let folder = "";
    const work = async ({ env }: { env: Record<string, string> }) => {
      folder = env.DOCKER_CONFIG as string;
      throw new Error("stopped");
    };
    await assert.rejects(withProviders(shared, state, work), /^Error: stopped$/);
    assert.ok(folder && !existsSync(folder));
  });
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} removes the Docker configuration of a token`, async () => {
    const url = new URL("../../ground/tools/dockerConfig.ts", import.meta.url).href;
    const login = JSON.stringify({ address, username: "robot", password: "of-the-environment" });
    const program = `import { withLogin } from ${JSON.stringify(url)};
      await withLogin(${login}, async ({ DOCKER_CONFIG }) => {
        console.log(DOCKER_CONFIG);
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    const folder = `${said}`.trim();
    assert.ok(existsSync(join(folder, "config.json")));
    child.kill(signal);
    const [code] = await once(child, "exit");
    assert.equal(code, 128 + constants.signals[signal]);
    assert.ok(!existsSync(folder));
  });
}

test("the providers of a stack with a secret have the user's own Docker configuration", async () => {
  const state = { env: { A: "b" }, text: "" };
  assert.deepEqual(
    await withProviders({ ...shared, hasPassword: true }, state, async (given) => given),
    state,
  );
});
