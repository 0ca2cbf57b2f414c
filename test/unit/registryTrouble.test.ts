import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { waitOut } from "../../components/registryTrouble.ts";

const trouble = "request to https://registry.example.com/v2/: 503 Service Unavailable";

/** Whether it is tried again, and what was said, with time that passes by itself. */
async function asked(error: string, failures: number) {
  const said: string[] = [];
  const again = waitOut("flask-image", error, failures, (text) => said.push(text));
  await nextTurn();
  return { again, said };
}

test("a registry's trouble is waited out three times, longer each time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const [failures, seconds] of [5, 10, 20].entries()) {
    const { again, said } = await asked(trouble, failures + 1);
    t.mock.timers.tick(seconds * 1000);
    assert.ok(await again);
    assert.deepEqual(said, [
      `flask-image: the registry registry.example.com answers 503; trying again in ${seconds} s (${failures + 1} of 3).`,
    ]);
  }
  assert.equal(await (await asked(trouble, 4)).again, false);
});

const lost = {
  "by a push":
    "failed to solve: failed to push registry.example.com/flask:3: unknown: blob unknown to registry",
  "by a copy":
    "creating: copy sha256:0a1b from localhost:5001/flask:3 to registry.example.com/flask:3: unexpected status from PUT " +
    "request to https://registry.example.com/v2/flask/manifests/sha256:0a1b: 400 Bad Request\nerrors:\n" +
    "unknown: provided digest did not match uploaded content\nunknown: blob unknown to registry\n",
};
for (const [what, error] of Object.entries(lost)) {
  test(`a layer that is not found ${what} is waited for`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { again, said } = await asked(error, 1);
    t.mock.timers.tick(5000);
    assert.ok(await again);
    assert.match(said[0] ?? "", /^flask-image: the registry registry\.example\.com does not find a layer /);
  });
}

const final = {
  "a wrong password": "HEAD request to https://registry.example.com/v2/: 401 Unauthorized",
  "no right to push": "POST request to https://registry.example.com/v2/: 403 Forbidden",
  "a CA that is not trusted":
    'Get "https://registry.example.com/v2/": tls: failed to verify certificate: x509: unknown authority',
  "a command that fails": 'process "/bin/sh -c false" did not complete successfully: exit code: 1',
  "a builder that is gone": "rpc error: code = Unavailable desc = error reading from server: EOF",
  "a refused version tag": "registry.example.com/flask:3.1.3 is published, and what goes into it changes",
};
for (const [what, error] of Object.entries(final)) {
  test(`not tried again: ${what}`, async () => {
    const { again, said } = await asked(error, 1);
    assert.equal(await again, false);
    assert.deepEqual(said, []);
  });
}
