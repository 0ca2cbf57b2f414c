/** How the registry client logs in, with a docker configuration and a credential helper of its own. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, beforeEach, describe, test } from "node:test";
import { digestOf } from "../../components/registryClient.ts";
import { type Answer, basic, digest, guarded, login, refused, serve } from "../support/fakeRegistry.ts";

const before = { ...process.env };
const root = mkdtempSync(join(tmpdir(), "registry-login-"));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(root, "test-"));
  process.env = { ...before, DOCKER_CONFIG: folder };
});
after(() => {
  process.env = before;
  rmSync(root, { recursive: true });
});

const configure = (config: object) => writeFileSync(join(folder, "config.json"), JSON.stringify(config));

/** A credential helper `test` on PATH, which knows one address. */
function helper(address: string, answer: string): void {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const script = `#!/bin/sh\ntest "$1" = get && test "$(cat)" = '${address}' || exit 1\n${answer}\n`;
  writeFileSync(join(bin, "docker-credential-test"), script);
  chmodSync(join(bin, "docker-credential-test"), 0o755);
  process.env.PATH = `${bin}:${process.env.PATH}`;
}

const secret = (username: string, password: string) =>
  `echo '{"ServerURL":"","Username":"${username}","Secret":"${password}"}'`;

describe("a login", () => {
  const challenge = 'Basic realm="catalog"';

  test("that is given is used, once the registry asks for it", async () => {
    const { host, requests } = await serve(guarded(basic, challenge));
    assert.equal(await digestOf(`${host}/a:1`, { login }), digest);
    assert.equal(requests.length, 2);
  });

  test("is taken from the user's docker configuration", async () => {
    const { host } = await serve(guarded(basic, challenge));
    const auth = Buffer.from("robot:hunter2").toString("base64");
    for (const key of [host, `http://${host}`, `https://${host}/v1/`]) {
      configure({ auths: { "other.example.com": { auth: "eDp5" }, [key]: { auth } } });
      assert.equal(await digestOf(`${host}/a:1`), digest, key);
    }
  });

  test("to Docker Hub is kept under its old address, and sent by HTTPS alone", async (t) => {
    const asked: string[] = [];
    t.mock.method(globalThis, "fetch", async ({ url, headers }: Request) => {
      asked.push(url);
      return headers.get("authorization") === basic
        ? new Response(null, { headers: { "docker-content-digest": digest } })
        : new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
    });
    configure({ credsStore: "test" });
    helper("https://index.docker.io/v1/", secret("robot", "hunter2"));
    assert.equal(await digestOf("debian:13"), digest);
    assert.deepEqual([...new Set(asked)], ["https://registry-1.docker.io/v2/library/debian/manifests/13"]);
  });

  for (const [what, config] of [
    ["of the registry", (host: string) => ({ credsStore: "missing", credHelpers: { [host]: "test" } })],
    ["of all registries", (host: string) => ({ credsStore: "test", auths: { [host]: {} } })],
  ] as const) {
    test(`is taken from the credential helper ${what}`, async () => {
      const { host } = await serve(guarded(basic, challenge));
      configure(config(host));
      helper(host, secret("robot", "hunter2"));
      assert.equal(await digestOf(`${host}/a:1`), digest);
    });
  }

  for (const [what, config, answer] of [
    ["no configuration", undefined, ""],
    ["a configuration that is no JSON", '{"auths": "hunter2', ""],
    ["a helper that is not installed", '{"credsStore": "missing"}', ""],
    ["a helper that knows nothing", '{"credsStore": "test"}', "exit 1"],
    ["a helper that answers no JSON", '{"credsStore": "test"}', "echo hunter2"],
    ["a helper with the wrong password", '{"credsStore": "test"}', secret("robot", "wrong")],
  ] as const) {
    test(`is missing with ${what}`, async () => {
      const { host } = await serve(guarded(basic, challenge));
      if (config) writeFileSync(join(folder, "config.json"), config);
      helper(host, answer);
      await refused(digestOf(`${host}/a:1`), /^localhost:\d+ refuses the login for a \(401\)$/);
    });
  }

  test("is waited for no longer than for the registry", async () => {
    const { host } = await serve(guarded(basic, challenge));
    configure({ credsStore: "test" });
    helper(host, "exec sleep 60");
    await refused(
      digestOf(`${host}/a:1`, { timeout: 300 }),
      /docker-credential-test does not answer in time\)$/,
    );
  });
});

describe("a token", () => {
  /** A registry and its token service, which answers whom it trusts. */
  const withTokens = (trusts: (request: IncomingMessage, url: URL) => boolean | Promise<boolean>) =>
    serve(async (request, response, url) => {
      if (url.pathname !== "/token") {
        const parameters = `realm="${url.origin}/token?a=b",service="registry",scope="repository:a:pull"`;
        return guarded("Bearer t0ken", `Bearer ${parameters}, Basic realm="other"`)(request, response, url);
      }
      if (!(await trusts(request, url))) return response.writeHead(401).end();
      return response.end(JSON.stringify({ [request.method === "GET" ? "token" : "access_token"]: "t0ken" }));
    });
  const asked = { a: "b", service: "registry", scope: "repository:a:pull" };

  test("is fetched without a login where there is none", async () => {
    const { host } = await withTokens(({ headers }, url) => {
      assert.deepEqual(Object.fromEntries(url.searchParams), asked);
      return headers.authorization === undefined;
    });
    assert.equal(await digestOf(`${host}/a:1`), digest);
  });

  test("is fetched with the login", async () => {
    const { host } = await withTokens(({ headers }) => headers.authorization === basic);
    assert.equal(await digestOf(`${host}/a:1`, { login }), digest);
    await refused(
      digestOf(`${host}/a:1`, { login: { ...login, password: "wrong" } }),
      /^localhost:\d+ refuses the login for a \(401\)$/,
    );
  });

  for (const [what, keep] of [
    ["in the file", (host: string) => configure({ auths: { [host]: { identitytoken: "hunter2" } } })],
    [
      "by a helper",
      (host: string) => {
        configure({ credsStore: "test" });
        helper(host, secret("<token>", "hunter2"));
      },
    ],
  ] as const) {
    test(`is fetched with an identity token that is kept ${what}`, async () => {
      const { host } = await withTokens(async (request) => {
        const { service, scope, grant_type, refresh_token } = Object.fromEntries(
          new URLSearchParams(await text(request)),
        );
        assert.deepEqual({ a: "b", service, scope }, asked);
        return grant_type === "refresh_token" && refresh_token === "hunter2";
      });
      keep(host);
      assert.equal(await digestOf(`${host}/a:1`), digest);
    });
  }

  const challenged =
    (realm: string, answer: (response: ServerResponse) => unknown): Answer =>
    (_, response, url) => {
      if (url.pathname === "/token") return answer(response);
      const header = `Bearer realm="${realm.replace("<host>", url.host)}",service="registry"`;
      return response.writeHead(401, { "www-authenticate": header }).end();
    };
  const failures: [string, string, (response: ServerResponse) => unknown, RegExp][] = [
    [
      "a token service that fails",
      "http://<host>/token",
      (r) => r.writeHead(500).end(),
      /does not answer \(its token service answers 500\)$/,
    ],
    [
      "a token service that answers no JSON",
      "http://<host>/token",
      (r) => r.end("hunter2"),
      /does not answer \(not with JSON\)$/,
    ],
    [
      "a token service without TLS",
      "http://tokens.example.com/",
      (r) => r.end(),
      /not at an https address\)$/,
    ],
    ["a token service that is no URL", "tokens", (r) => r.end(), /not at an https address\)$/],
  ];
  for (const [what, realm, answer, message] of failures) {
    test(`${what} is an error`, async () => {
      const { host } = await serve(challenged(realm, answer));
      await refused(digestOf(`${host}/a:1`, { login }), message);
    });
  }
});
