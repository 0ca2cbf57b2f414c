/** What is looked at in a registry that exists, before anything is built. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { RegistryError } from "../../components/registryClient.ts";
import { isCertificates, trusted } from "../../components/trust.ts";
import { readStack, type Stack } from "../../ground/program/stack.ts";
import { accessChecks, type Check, need, pushChecks, trustChecks } from "../../ground/registry/checks.ts";
import { unreached } from "../../ground/registry/connection.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { type Answer, basic, serve } from "../support/fakeRegistry.ts";
import { ownAddress } from "../support/tlsRegistry.ts";

const dev = readStack("dev");

/** A stack that pushes to a registry, and its login. */
function stackOf(address: string, ca?: string) {
  const registry = { ...dev.config.registry, embedded: false, address, username: "robot", ca };
  const stack: Stack = { ...dev, config: { ...dev.config, namespace: "platform/catalog", registry } };
  return { stack, login: { address, username: "robot", password: "hunter2", from: "the test" } };
}

async function all(checks: AsyncIterable<Check>): Promise<string[]> {
  const lines: string[] = [];
  for await (const { ok, topic, text } of checks) lines.push(`${ok ? "✓" : "!"} ${topic}: ${text}`);
  return lines;
}

/** A registry that knows the login, and answers pushes in a way. */
const pushed =
  (push: Answer): Answer =>
  (request, response, url) => {
    if (request.headers.authorization !== basic)
      return response.writeHead(401, { "www-authenticate": "Basic" }).end();
    return url.pathname === "/v2/" ? response.end() : push(request, response, url);
  };

describe("access:", () => {
  test("a registry that answers, and the login that it takes", async () => {
    const { host } = await serve(pushed(() => assert.fail("nothing is pushed")));
    const { stack, login } = stackOf(host);
    assert.deepEqual(await all(accessChecks(stack, login)), [
      `✓ registry: ${host} answers`,
      "✓ login: robot, from the test",
    ]);
    assert.deepEqual(await all(trustChecks(stack, undefined, false)), [], "loopback has no TLS");
  });

  test("a wrong password, without the password", async () => {
    const { host } = await serve(pushed(() => {}));
    const { stack, login } = stackOf(host);
    const [, line = ""] = await all(accessChecks(stack, { ...login, password: "wrong" }));
    assert.match(
      line,
      /^! login: The registry \S+ refuses the password of robot, from the test: set the right/,
    );
    await assert.rejects(need(accessChecks(stack, { ...login, password: "wrong" })), /refuses the password/);
  });

  test("a registry that fails", async () => {
    const { host } = await serve((_, response) => response.writeHead(418).end());
    const { stack, login } = stackOf(host);
    const [, line] = await all(accessChecks(stack, login));
    assert.equal(line, `! login: The registry ${host} answers 418, not 200, to a login.`);
  });

  for (const [code, sentence] of [
    ["ENOTFOUND", /^The name of the registry r\.example\.com is not found in the DNS: /],
    ["ECONNREFUSED", /^Nobody listens at the registry's address r\.example\.com: /],
    ["CERT_HAS_EXPIRED", /^The certificate of the registry r\.example\.com has expired: /],
    ["CERT_NOT_YET_VALID", /^The certificate of the registry r\.example\.com is not valid yet: /],
    ["ERR_SSL_WRONG_VERSION_NUMBER", /^The registry r\.example\.com does not speak TLS, /],
    ["EHOSTUNREACH", /^The registry r\.example\.com does not answer \(why\)\.$/],
  ] as const) {
    test(code, () => {
      const error = new RegistryError("r.example.com does not answer (why)", undefined, code);
      assert.match(unreached("r.example.com", error), sentence);
    });
  }

  test("nobody listens", async () => {
    const { host, stop } = await serve(() => {});
    stop();
    const { stack, login } = stackOf(host);
    assert.match(
      (await all(accessChecks(stack, login))).join(),
      /^! registry: Nobody listens at the registry's/,
    );
  });

  test("a name that nobody knows", async () => {
    const { stack, login } = stackOf("registry.invalid");
    assert.match(
      (await all(accessChecks(stack, login))).join(),
      /^! registry: The name of the registry registry/,
    );
  });
});

describe("the right to push:", () => {
  test("an upload that is started is cancelled, wherever the registry says that it is", async () => {
    for (const place of ["/v2/uploads/1?state=a", "http://<host>/v2/uploads/1?state=a"]) {
      const { host, requests } = await serve(
        pushed((request, response, url) =>
          request.method === "POST"
            ? response.writeHead(202, { location: place.replace("<host>", url.host) }).end()
            : response.writeHead(204).end(),
        ),
      );
      const { stack, login } = stackOf(host);
      assert.deepEqual(await all(pushChecks(stack, login)), ["✓ push: robot may push to platform/catalog"]);
      assert.deepEqual(
        [...new Set(requests)],
        ["POST /v2/platform/catalog/debian/blobs/uploads/", "DELETE /v2/uploads/1?state=a"],
      );
    }
  });

  for (const [status, sentence] of [
    [
      403,
      /^! push: robot may not push to platform\/catalog of the registry \S+ \(403\): its operator has to give/,
    ],
    [404, /^! push: The registry \S+ has no platform\/catalog\/debian, and makes none by itself \(404\): /],
    [405, /^! push: The registry \S+ takes no push to platform\/catalog\/debian: it answers 405, not 202\.$/],
  ] as const) {
    test(`${status} is a sentence`, async () => {
      const { host } = await serve(pushed((_, response) => response.writeHead(status).end()));
      const { stack, login } = stackOf(host);
      assert.match((await all(pushChecks(stack, login))).join(), sentence);
    });
  }
});

describe("TLS, on an address that is not loopback:", () => {
  let certificates: Certificates;
  let address: string;
  let stop: () => void;

  before(async () => {
    certificates = await makeCertificates();
    const { cert, key } = certificates.server;
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) =>
      response.end(),
    );
    const host = ownAddress();
    await new Promise<void>((done) => server.listen(0, host, done));
    address = `${host}:${(server.address() as AddressInfo).port}`;
    stop = () => server.close();
  });
  after(() => {
    stop();
    certificates.remove();
  });

  test("a CA that nobody trusts: what to set", async () => {
    const { stack, login } = stackOf(address);
    assert.deepEqual(await all(accessChecks(stack, login)), [
      `! trust: Pulumi's providers do not trust the CA of the registry ${address}: set registry.ca to a PEM file with ` +
        "its certificate, or add it to what the system trusts.",
    ]);
  });

  test("another CA than that of the registry", async () => {
    const { stack, login } = stackOf(address, certificates.client.cert);
    assert.deepEqual(await all(accessChecks(stack, login)), [
      `! trust: Pulumi's providers do not trust the CA of the registry ${address}: its certificate is not signed by the ` +
        `one in registry.ca, ${certificates.client.cert}.`,
    ]);
  });

  test("a certificate of another name", async () => {
    const { stack, login } = stackOf(address, certificates.ca);
    assert.deepEqual(await all(accessChecks(stack, login)), [
      `! registry: The registry ${address} shows a certificate of another name: set registry.address to the name that ` +
        "its certificate has.",
    ]);
  });

  test("no TLS at all", async () => {
    const { createServer } = await import("node:http");
    const server = createServer((_, response) => response.end());
    await new Promise<void>((done) => server.listen(0, ownAddress(), done));
    const { stack, login } = stackOf(`${ownAddress()}:${(server.address() as AddressInfo).port}`);
    assert.match(
      (await all(accessChecks(stack, login))).join(),
      /^! registry: The registry \S+ does not speak TLS, /,
    );
    server.close();
  });
});

test("a CA's file may hold its key, which is not passed on; what is no certificate is none", async () => {
  const { ca, client, remove } = await makeCertificates();
  const both = `${ca}.both`;
  writeFileSync(both, `${readFileSync(ca, "utf8")}${readFileSync(client.key, "utf8")}`);
  assert.ok(isCertificates(both));
  const system = trusted(undefined).length;
  const [added = "", ...more] = trusted(both).slice(system);
  assert.equal(added.trim(), readFileSync(ca, "utf8").trim());
  assert.deepEqual(more, []);
  for (const file of [client.key, `${ca}.missing`, import.meta.filename])
    assert.ok(!isCertificates(file), file);
  writeFileSync(both, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  assert.ok(!isCertificates(both));
  remove();
});
