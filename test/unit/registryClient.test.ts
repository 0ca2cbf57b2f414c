/** The registry client, asking a server on loopback. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { parseReference } from "../../components/imageReference.ts";
import { digestOf, manifestOf, tagsOf } from "../../components/registryClient.ts";
import {
  type Answer,
  basic,
  digest,
  hasIndex,
  login,
  open,
  refused,
  serve,
} from "../support/fakeRegistry.ts";

const hub = "registry-1.docker.io";
const references: [string, ...(string | undefined)[]][] = [
  ["debian", hub, "library/debian", undefined, undefined],
  ["debian:13-slim", hub, "library/debian", "13-slim", undefined],
  [`debian:13-slim@${digest}`, hub, "library/debian", "13-slim", digest],
  [`debian@${digest}`, hub, "library/debian", undefined, digest],
  ["grafana/grafana:12.0", hub, "grafana/grafana", "12.0", undefined],
  ["docker.io/debian:13", hub, "library/debian", "13", undefined],
  ["docker.io/library/debian:13", hub, "library/debian", "13", undefined],
  ["index.docker.io/a/b", hub, "a/b", undefined, undefined],
  ["ghcr.example.com:5000/a/b:tag", "ghcr.example.com:5000", "a/b", "tag", undefined],
  [`ghcr.example.com:5000/a@${digest}`, "ghcr.example.com:5000", "a", undefined, digest],
  ["quay.io/a:1.2", "quay.io", "a", "1.2", undefined],
  ["localhost/a/b/c:1", "localhost", "a/b/c", "1", undefined],
  ["localhost:5001/a", "localhost:5001", "a", undefined, undefined],
];
for (const [reference, host, repository, tag, digest] of references) {
  test(`the reference ${reference.replace(/@.*/, "@…")}`, () => {
    assert.deepEqual(parseReference(reference), { host, repository, tag, digest });
  });
}

test("an index is told with the images in it", async () => {
  const { host } = await serve(hasIndex);
  const { digest: whole, parts } = await manifestOf(`${host}/a/b:1`);
  assert.match(whole, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(parts, [digest]);
});

describe("a digest", () => {
  test("is what the registry says of the tag, without a download", async () => {
    let accepted: string | undefined;
    const { host, requests } = await serve((request, response, url) => {
      accepted = request.headers.accept;
      open(request, response, url);
    });
    assert.equal(await digestOf(`${host}/a/b:1@sha256:${"2".repeat(64)}`), digest);
    assert.deepEqual(requests, ["HEAD /v2/a/b/manifests/1"]);
    for (const kind of ["oci.image.index.v1", "oci.image.manifest.v1", "distribution.manifest.list.v2"]) {
      assert.ok(accepted?.includes(kind), `${kind} is not in ${accepted}`);
    }
  });

  for (const [what, headers] of [
    ["without the header", {}],
    ["with a header that is no digest", { "docker-content-digest": "sha256:x" }],
  ] as const) {
    test(`${what} is that of the manifest's bytes`, async () => {
      const manifest = '{ "schemaVersion": 2 }\n';
      const type = "application/vnd.oci.image.index.v1+json; charset=utf-8";
      const { host, requests } = await serve((_, response) =>
        response.writeHead(200, { ...headers, "content-type": type }).end(manifest),
      );
      const expected = createHash("sha256").update(manifest).digest("hex");
      assert.equal(await digestOf(`${host}/a:1`), `sha256:${expected}`);
      assert.deepEqual(requests, ["HEAD /v2/a/manifests/1", "GET /v2/a/manifests/1"]);
    });
  }

  test("is not made of a page that stands in for the registry", async () => {
    const page: Answer = (_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<p>Log in");
    const { host } = await serve(page);
    await refused(digestOf(`${host}/a:1`), /^localhost:\d+ answers with something that is no manifest$/);
  });
});

describe("an error says host and reason:", () => {
  const answers: [string, number, RegExp][] = [
    ["no such tag", 404, /^localhost:\d+ has no such image or tag of a\/b \(404\)$/],
    ["not allowed, without a challenge", 401, /^localhost:\d+ refuses the login for a\/b \(401\)$/],
    ["forbidden", 403, /^localhost:\d+ refuses the login for a\/b \(403\)$/],
    ["too many requests", 429, /^localhost:\d+ answers 429$/],
    ["broken", 500, /^localhost:\d+ answers 500$/],
  ];
  for (const [what, status, message] of answers) {
    test(what, async () => {
      const { host } = await serve((_, response) => response.writeHead(status).end());
      await refused(digestOf(`${host}/a/b:1`, { login }), message);
      await refused(tagsOf(`${host}/a/b:1`, { login }), message);
    });
  }

  test("nobody listens", async () => {
    const { host, stop } = await serve(() => {});
    stop();
    await refused(digestOf(`${host}/a:1`), /^localhost:\d+ does not answer \(connect ECONNREFUSED .+\)$/);
  });

  const hangs: [string, Answer][] = [
    ["no answer", () => {}],
    ["no end of an answer", (_, response) => response.writeHead(200).write("{")],
  ];
  for (const [what, answer] of hangs) {
    test(what, async () => {
      const { host } = await serve(answer);
      await refused(tagsOf(`${host}/a:1`, { timeout: 100 }), /^localhost:\d+ does not answer within 0\.1 s$/);
    });
  }
});

describe("a registry that is not itself for a while", () => {
  const bad: [string, Answer][] = [
    ["overloaded", (_, response) => response.writeHead(429, { "retry-after": "0" }).end()],
    ["broken", (_, response) => response.writeHead(503).end()],
    ["breaking the connection", ({ socket }) => socket.destroy()],
  ];
  for (const [what, answer] of bad) {
    test(`is asked again: ${what}`, async () => {
      const answers = [answer, answer, open];
      const { host, requests } = await serve((...args) => answers[requests.length - 1]?.(...args));
      assert.equal(await digestOf(`${host}/a:1`), digest);
      assert.equal(requests.length, 3);
    });
  }

  test("is not asked for ever", async () => {
    const { host, requests } = await serve((_, response) => response.writeHead(502).end());
    await refused(digestOf(`${host}/a:1`), /^localhost:\d+ answers 502$/);
    assert.equal(requests.length, 4);
  });

  test("that refuses is asked once", async () => {
    const { host, requests } = await serve((_, response) => response.writeHead(403).end());
    await refused(digestOf(`${host}/a:1`), /refuses the login/);
    assert.equal(requests.length, 1);
  });
});

describe("tags", () => {
  test("are those of all pages, asked of one host", async () => {
    const pages = [["1", "2"], ["3"], null];
    const { host, requests } = await serve((_, response, url) => {
      const page = Number(url.searchParams.get("page") ?? 0);
      const next = `/v2/a/tags/list?page=${page + 1}`;
      const link = page === 0 ? next : `http://elsewhere.example.com${next}`;
      if (page + 1 < pages.length) response.setHeader("link", `<${link}>; rel="next"`);
      response.end(JSON.stringify({ name: "a", tags: pages[page] }));
    });
    assert.deepEqual(await tagsOf(`${host}/a:1`), ["1", "2", "3"]);
    assert.deepEqual(requests.slice(1), ["GET /v2/a/tags/list?page=1", "GET /v2/a/tags/list?page=2"]);
  });

  test("are asked for with one login for all pages", async () => {
    const { host, requests } = await serve(({ headers }, response, url) => {
      if (headers.authorization !== basic)
        return response.writeHead(401, { "www-authenticate": "Basic" }).end();
      if (!url.searchParams.has("page")) response.setHeader("link", "<?page=1>; rel=next");
      return response.end('{"tags": ["1"]}');
    });
    assert.deepEqual(await tagsOf(`${host}/a`, { login }), ["1", "1"]);
    assert.equal(requests.length, 3);
  });

  test("that are no JSON are an error", async () => {
    const { host } = await serve((_, response) => response.end("<p>"));
    await refused(tagsOf(`${host}/a`), /^localhost:\d+ does not answer \(not with JSON\)$/);
  });
});
