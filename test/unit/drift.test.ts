import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { pushedTags, restoreTags } from "../../ground/program/drift.ts";
import { login, serve } from "../support/fakeRegistry.ts";

const digestOf = (content: string) => `sha256:${createHash("sha256").update(content).digest("hex")}`;
const short = (content: string) => digestOf(content).slice(7, 19);
const [own, foreign] = ["{}", '{"of": "somebody else"}'] as const;

/** A registry with manifests by their tags and digests, to which tags can be given. */
async function registry(manifests: Record<string, string>) {
  const { host } = await serve(async (request, response, { pathname }) => {
    const name = pathname.split("/").at(-1) as string;
    if (request.method === "PUT") {
      manifests[name] = Buffer.concat(await request.toArray()).toString();
      return response.writeHead(201).end();
    }
    const content = manifests[name];
    if (content === undefined) return response.writeHead(404).end();
    const headers = { "docker-content-digest": digestOf(content), "content-type": "application/json" };
    return response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : content);
  });
  return { host, manifests };
}

const pushed = (host: string) => [
  { urn: "urn:flask", tag: `${host}/catalog/flask:1`, digest: digestOf(own) },
];
const restored = (host: string) => restoreTags({ address: host, ...login }, pushed(host));

test("a state's tags: of images, and of indexes", () => {
  const [digest] = [digestOf(own)];
  const resources = [
    {
      urn: "a",
      type: "docker-build:index:Image",
      outputs: { tags: ["r/a:1", "r/a:2"], ref: `r/a:1@${digest}` },
    },
    { urn: "b", type: "docker-build:index:Index", outputs: { tag: "r/b:1", ref: `r/b:1@${digest}` } },
    { urn: "c", type: "docker:index/container:Container", outputs: {} },
  ];
  assert.deepEqual(pushedTags({ deployment: { resources } }), [
    { urn: "a", tag: "r/a:1", digest },
    { urn: "a", tag: "r/a:2", digest },
    { urn: "b", tag: "r/b:1", digest },
  ]);
  assert.deepEqual(pushedTags({}), []);
});

test("a tag that is right is left alone", async () => {
  const { host, manifests } = await registry({ 1: own });
  assert.deepEqual(await restored(host), { found: [], gone: [] });
  assert.deepEqual(manifests, { 1: own });
});

for (const [what, there, was] of [
  ["points elsewhere", { 1: foreign }, `pointed at ${short(foreign)}`],
  ["is gone", {}, "was gone"],
] as const) {
  test(`a tag that ${what} is put back`, async () => {
    const { host, manifests } = await registry({ ...there, [digestOf(own)]: own });
    const found = [`${host}/catalog/flask:1 ${was}: it points at ${short(own)} again`];
    assert.deepEqual(await restored(host), { found, gone: [] });
    assert.equal(manifests[1], own);
  });

  test(`a tag that ${what}, and its image with it, is to be made again`, async () => {
    const { host, manifests } = await registry({ ...there });
    const found = [
      `${host}/catalog/flask:1 ${was}, and ${short(own)} is not in the registry: it is made again`,
    ];
    assert.deepEqual(await restored(host), { found, gone: ["urn:flask"] });
    assert.deepEqual(manifests, there);
  });
}
