import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { RemoteBuilder } from "../../components/builderSettings.ts";
import { ensureBuilder } from "../../ground/machine/builder.ts";
import { ensureBuildx } from "../../ground/machine/buildx.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { checkRemote } from "../../ground/machine/remoteBuilder.ts";
import { run } from "../../ground/tools/exec.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { noEngine, previewed, select } from "../support/engine.ts";
import { noOwnBuilder as skip, startBuildkit, untilAnswers } from "../support/ownBuilder.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import { freePort, type Workspace } from "../support/workspace.ts";

let [own, other]: Certificates[] = [];
let buildkit: Awaited<ReturnType<typeof startBuildkit>>;
let workspace: Workspace;
let builder: Omit<RemoteBuilder, "setting">;
/** What is changed of the builder, and the sentence that answers it. */
let refusals: Record<string, [Partial<typeof builder>, RegExp]>;

before(async () => {
  if (skip) return;
  await ensureDocker();
  [own, other] = [await makeCertificates(), await makeCertificates()];
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const { ca, server, client } = own;
  const tls = ["--tlscacert", ca, "--tlscert", server.cert, "--tlskey", server.key];
  buildkit = await startBuildkit(["--addr", endpoint, ...tls]);
  workspace = await makeStandIns({
    pythons: [python("3.13.5")],
    frameworks: [{ name: "flask", version: "3.1.3" }],
    applications: [],
  });
  builder = { name: workspace.stack, endpoint, ca, ...client };
  await untilAnswers({ ...builder, setting: "builder" });
  refusals = {
    "a client certificate of another CA": [
      other.client,
      /refuses the client certificate \/\S+ \(.*alert.*\): set builder\.cert and builder\.key to /,
    ],
    "nobody there": [
      // Of the system's own ports, which no test beside this one is given meanwhile.
      { endpoint: "tcp://127.0.0.1:1" },
      /does not answer \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)\.$/,
    ],
    "another CA": [
      { ca: other.ca },
      /shows a certificate that builder\.ca, \/\S+, does not vouch for \(.*\)\.$/,
    ],
    "a name that is not in its certificate": [
      { serverName: "other.test" },
      /shows a certificate of another name \(.*\): set builder\.serverName\.$/,
    ],
    "a key of another certificate": [
      { key: other.client.key },
      /^The private key .* \(builder\.key\) is not the one of the certificate /,
    ],
    "no key": [{ key: "nowhere.pem" }, /^The file nowhere\.pem \(builder\.key\) cannot be read: ENOENT\.$/],
    "a key that is none": [
      { key: "package.json" },
      /\(builder\.ca, cert, key\) is not in PEM format \(.*\)\.$/,
    ],
  };
});
after(async () => {
  if (skip) return;
  await buildx("rm", workspace.stack);
  await workspace.remove();
  await buildkit.stop();
  for (const certificates of [own, other]) certificates?.remove();
});

async function buildx(...args: string[]) {
  const [command = "", ...more] = await ensureBuildx();
  return run(command, [...more, ...args]);
}

/** Sets the stack's builder up with changes, and runs a command. */
function withBuilder(change: Partial<typeof builder>, ...args: string[]) {
  workspace.configure((config) => ({ ...config, "catalog:builder": { ...builder, ...change } }));
  return workspace.npm([...args, "--stack", workspace.stack]);
}

test("a builder elsewhere that cannot be had: one sentence each", { skip }, async (t) => {
  for (const [what, [change, words]] of Object.entries(refusals)) {
    await t.test(what, () =>
      assert.rejects(checkRemote({ ...builder, setting: "builder", ...change }), { message: words }),
    );
  }
  await t.test("the right ones", () =>
    checkRemote({ ...builder, setting: "builder", serverName: "buildkit.test" }),
  );
  await t.test("one of several", () => {
    const { name, ...node } = builder;
    const nodes = [
      { ...node, platforms: ["linux/amd64"] },
      { ...node, ...other?.client, platforms: ["linux/386"] },
    ];
    const refused =
      /^The builder \S+-386 at .*: set builder\.nodes\[1\]\.cert and builder\.nodes\[1\]\.key to /;
    return assert.rejects(ensureBuilder({ name, nodes }), { message: refused });
  });
});

test("a builder elsewhere that cannot be had ends a command before anything is made", { skip }, async (t) => {
  for (const command of [["up"], ["bake", "--build"]]) {
    for (const [what, [change, words]] of Object.entries(refusals).slice(0, 2)) {
      await t.test(`${command[0]}: ${what}`, async () => {
        const { code, stdout, stderr } = await withBuilder(change, ...command);
        assert.equal(code, 1, stdout);
        assert.match(stderr, /^✗ [^\n]*\n$/);
        assert.match(stderr.trim().slice(2), words);
        assert.deepEqual(await workspace.leftovers(), []);
        assert.notEqual((await buildx("inspect", workspace.stack)).code, 0);
      });
    }
  }
  await t.test("doctor", async () => {
    const { stdout } = await withBuilder(other?.client ?? {}, "doctor");
    assert.match(stdout, /^! builder +The builder .* refuses the client certificate /m);
  });
});

test("a builder elsewhere builds what this machine has prepared", { skip: noEngine || skip }, async (t) => {
  t.after(() => workspace.npm(["down", "--stack", workspace.stack]));
  await t.test("`up` makes it known, and builds on it", async () => {
    const { code, stdout, stderr } = await withBuilder({}, "up", "--engine");
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /^✓ builder +\S+, remote, tcp:\/\/127\.0\.0\.1:\d+, made known to buildx$/m);
    const builders = [...stdout.matchAll(/#0 building with "(\S+)" instance/g)].map(([, name]) => name);
    assert.deepEqual(new Set(builders), new Set([workspace.stack]));
    assert.deepEqual(await previewed(await select(workspace)), []);
  });

  await t.test("known, it is left alone, unless its certificates are other files", async () => {
    assert.match((await ensureBuilder(builder)).why, /, running$/);
    const key = join(workspace.folder, "key.pem");
    cpSync(builder.key, key);
    assert.match((await ensureBuilder({ ...builder, key })).why, /, with other certificates than before$/);
    assert.match((await ensureBuilder({ ...builder, key })).why, /, running$/);
  });

  await t.test("its name for another endpoint is refused", () =>
    assert.rejects(
      ensureBuilder({
        ...builder,
        endpoint: builder.endpoint.replace("127.0.0.1", "localhost"),
        serverName: "buildkit.test",
      }),
      /There is a builder \S+ already \(driver remote, tcp:\/\/127\.0\.0\.1:\d+\), which is not tcp:\/\/localhost:/,
    ),
  );
});

test("a builder elsewhere builds without the engine too", { skip }, async () => {
  const { code, stdout, stderr } = await withBuilder({}, "bake", "--build");
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /^✓ builder +\S+, remote, tcp:\/\/127\.0\.0\.1:\d+, /m);
  const [, targets] = /^✓ bake +docker-bake\.json with (\d+) targets$/m.exec(stdout) ?? [];
  assert.equal([...stdout.matchAll(/^✓ image /gm)].length, Number(targets), stdout);
});
