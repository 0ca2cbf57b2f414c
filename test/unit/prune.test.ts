import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildCache } from "../../components/buildCache.ts";
import { orphanImages, type Tagged } from "../../ground/program/orphanImages.ts";
import { type References, referencesIn } from "../../ground/program/references.ts";
import { deleteManifest, manifestOf, repositoriesOf, tagsOf } from "../../ground/tools/registry.ts";
import { type Answer, basic, login, serve } from "../support/fakeRegistry.ts";

const digest = (n: number) => `sha256:${`${n}`.repeat(64)}`;
const address = "registry.example.com";

describe("a state refers to", () => {
  const image = (n: number) => ({
    type: "docker-build:index:Image",
    id: digest(9),
    inputs: {
      tags: [`${address}/catalog/flask:${n}`],
      buildArgs: { PARENT: `${address}/catalog/python:3@${digest(n + 1)}` },
    },
    outputs: { digest: digest(n), ref: `${address}/catalog/flask:${n}@${digest(n)}` },
  });

  test("its images, what they are built on, and their tags, but not their first digests for ever", () => {
    const { digests, tags } = referencesIn({ deployment: { resources: [image(1)] } });
    assert.deepEqual([...digests].sort(), [digest(1), digest(2)]);
    assert.deepEqual([...tags], [`${address}/catalog/flask:1`]);
  });

  test("what runs, what is an output, what is copied, and what was interrupted", () => {
    const resources = [
      { type: "docker:index/container:Container", inputs: {}, outputs: { image: `a@${digest(1)}` } },
      { type: "pulumi:pulumi:Stack", outputs: { images: { flask: { digest: digest(2) } } } },
      {
        type: "docker-build:index:Index",
        inputs: { tag: `${address}/prod/flask:1`, sources: [`b@${digest(3)}`] },
      },
    ];
    const references = referencesIn({
      deployment: { resources, pending_operations: [{ resource: image(5) }] },
    });
    assert.deepEqual([...references.digests].sort(), [1, 2, 3, 5, 6].map(digest));
    assert.deepEqual([...references.tags], [`${address}/prod/flask:1`, `${address}/catalog/flask:5`]);
  });

  test("its build caches, unless they are not used any more", () => {
    const cached = (mode: string) => ({
      type: "docker-build:index:Image",
      inputs: buildCache(mode, `${address}/catalog/cache:flask`),
    });
    const tags = (mode: string) => [...referencesIn({ deployment: { resources: [cached(mode)] } }).tags];
    assert.deepEqual(tags("max"), [`${address}/catalog/cache:flask`]);
    assert.deepEqual(tags("none"), []);
  });

  test("nothing where there is none", () => {
    assert.deepEqual([referencesIn({}).digests.size, referencesIn({ deployment: {} }).tags.size], [0, 0]);
  });
});

describe("an image is nobody's", () => {
  const tagged = (tag: string, n: number, parts: string[] = []): Tagged => ({
    repository: "catalog/flask",
    tag,
    digest: digest(n),
    parts,
    size: n,
    config: undefined,
    layers: undefined,
  });
  const none: References = { digests: new Set(), tags: new Set() };
  const orphans = (tags: Tagged[], references: Partial<References>) =>
    orphanImages(address, tags, { ...none, ...references }).map(({ digest, tags }) => [digest, ...tags]);

  test("with all its tags, where no stack refers to it", () => {
    const tags = [tagged("1", 1), tagged("1-old", 2), tagged("2", 2), tagged("3", 3)];
    assert.deepEqual(orphans(tags, { digests: new Set([digest(1), digest(3)]) }), [
      [digest(2), "1-old", "2"],
    ]);
  });

  test("but not where a stack refers to one of its tags", () => {
    const tags = [tagged("1", 1), tagged("latest", 1), tagged("2", 2)];
    assert.deepEqual(orphans(tags, { tags: new Set([`${address}/catalog/flask:latest`]) }), [
      [digest(2), "2"],
    ]);
    assert.equal(orphans(tags, { tags: new Set(["other.example.com/catalog/flask:latest"]) }).length, 2);
  });

  test("nor where it is part of an index that is kept", () => {
    const tags = [
      tagged("1", 1, [digest(2)]),
      tagged("1-amd64", 2),
      tagged("2", 3, [digest(4)]),
      tagged("2-amd64", 4),
    ];
    assert.deepEqual(orphans(tags, { digests: new Set([digest(1)]) }), [
      [digest(3), "2"],
      [digest(4), "2-amd64"],
    ]);
  });
});

describe("a registry", () => {
  const answering = async (answer: Answer) => {
    const { host, requests } = await serve(answer);
    return { as: { ...login, address: host }, requests };
  };

  test("lists its repositories and tags page by page", async () => {
    const { as } = await answering((_, response, { pathname, searchParams }) => {
      const [key, of] = pathname === "/v2/_catalog" ? ["repositories", "a"] : ["tags", "1"];
      if (searchParams.has("last")) return response.end(JSON.stringify({ [key]: [`${of}2`] }));
      return response
        .writeHead(200, { link: `<${pathname}?last=x>; rel="next"` })
        .end(JSON.stringify({ [key]: [of] }));
    });
    assert.deepEqual(await repositoriesOf(as), ["a", "a2"]);
    assert.deepEqual(await tagsOf(as, "a"), ["1", "12"]);
  });

  test("that lists nothing is not an empty one", async () => {
    const { as } = await answering((_, response) => response.writeHead(403).end());
    assert.equal(await repositoriesOf(as), undefined);
    const broken = await answering((_, response) => response.writeHead(500).end());
    await assert.rejects(repositoriesOf(broken.as), /answers 500/);
  });

  test("gives manifests with sizes and parts", async () => {
    const { as } = await answering((_, response, { pathname }) => {
      if (pathname.endsWith("/gone")) return response.writeHead(404).end();
      const index = { manifests: [{ digest: digest(1) }] };
      return response.end(
        JSON.stringify(pathname.endsWith("/index") ? index : { layers: [{ size: 1 }, { size: 2 }] }),
      );
    });
    assert.deepEqual((await manifestOf(as, "a", "index"))?.parts, [digest(1)]);
    const { size, parts, digest: own } = (await manifestOf(as, "a", "1")) ?? {};
    assert.deepEqual([size, parts, own?.length], [3, [], 71]);
    assert.equal(await manifestOf(as, "a", "gone"), undefined);
  });

  test("deletes by digest, with the login, and says where it does not", async () => {
    const { as, requests } = await answering(({ headers }, response) =>
      headers.authorization === basic
        ? response.writeHead(202).end()
        : response.writeHead(401, { "www-authenticate": "Basic realm=catalog" }).end(),
    );
    await deleteManifest(as, "a/b", digest(1));
    assert.equal(requests.at(-1), `DELETE /v2/a/b/manifests/${digest(1)}`);
    const fixed = await answering((_, response) => response.writeHead(405).end());
    await assert.rejects(deleteManifest(fixed.as, "a", digest(1)), /is not set up to delete \(405\)/);
    const refusing = await answering((_, response) => response.writeHead(403).end());
    await assert.rejects(deleteManifest(refusing.as, "a", digest(1)), /answers 403 to deleting a@sha256:1/);
  });
});
