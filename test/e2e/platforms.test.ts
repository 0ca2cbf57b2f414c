import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ensureBuilder } from "../../ground/machine/builder.ts";
import { call, ensureBuildx } from "../../ground/machine/buildx.ts";
import { ensureDocker } from "../../ground/machine/docker.ts";
import type { Started } from "../../ground/machine/emptyBuilder.ts";
import { registryToml } from "../../ground/machine/registries.ts";
import { withLogin } from "../../ground/tools/dockerConfig.ts";
import { must } from "../../ground/tools/exec.ts";
import { ask, deleteManifest, digestOf } from "../../ground/tools/registry.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { previewed, updated } from "../support/engine.ts";
import { addEnvironment, type Environment, noEnvironment } from "../support/environments.ts";
import { noOwnBuilder, startBuildkit, untilAnswers } from "../support/ownBuilder.ts";
import { makeStandIns, python } from "../support/standIns.ts";
import { freePort, type Settings, type Workspace } from "../support/workspace.ts";

// Two platforms that BuildKit has on any machine with an x86 processor, and a builder with a node for each. What is built
// runs nothing: a base for both is made of files alone, and each image adds a file that says its platform.
const skip = noEnvironment || noOwnBuilder;
const platforms = ["linux/amd64", "linux/386"];
const layers = [
  "debian-13",
  "pyenv-2.5-debian-13",
  "python-3.13-debian-13",
  "flask-3.1-python-3.13-debian-13",
];
const python313 = layers[2] as string;
const flask = layers[3] as string;
const child = (file: string) => `ARG PARENT=scratch
FROM \${PARENT}
ARG TARGETARCH
COPY ${file} /\${TARGETARCH}/
`;

let workspace: Workspace;
let dev: Environment;
let prod: Environment;
let certificates: Certificates;
const nodes: Started[] = [];

before(async () => {
  if (skip) return;
  await ensureDocker();
  workspace = await makeStandIns(
    {},
    {
      "images/os/debian": "FROM base\nARG PACKAGES TARGETARCH\nCOPY bin /$TARGETARCH/bin\n",
      "images/pyenv": child("bin"),
      "images/python": child("Dockerfile"),
      "images/framework": child("requirements.txt"),
    },
  );
  dev = await addEnvironment(workspace, "dev", {}, []);
  certificates = await makeCertificates();
  const builder = { name: dev.stack, nodes: await startNodes() };
  await ensureBuilder(builder);
  const image = await pushBase();
  set({
    builder,
    platforms: platforms.slice(0, 1),
    variant: "full",
    systems: [{ name: "debian", version: "13", base: { image } }],
    pyenvs: [{ version: "2.5.4", source: { folder: "images/os/alpine" } }],
    pythons: [python("3.13.5")],
    frameworks: [{ name: "flask", version: "3.1.3" }],
    applications: [],
  });
  const promote = { from: dev.stack, only: [python313] };
  prod = await addEnvironment(workspace, "prod", { promote, applications: [] }, [dev.registry]);
});
after(async () => {
  for (const platform of platforms) if (dev) await call(await ensureBuildx(), ["rm", builderOf(platform)]);
  for (const node of nodes) await node.stop();
  certificates?.remove();
  await prod?.remove();
  await dev?.remove();
  await workspace?.remove();
});

const set = (settings: Settings) =>
  workspace.configure(
    (config) => ({
      ...config,
      ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`catalog:${key}`, value])),
    }),
    dev.stack,
  );

/** What buildx calls the node of a platform. */
const builderOf = (platform: string) => `${dev.stack}-${platform.slice("linux/".length)}`;
/** Where the node of a platform keeps what it has pulled and built. */
const stateOf = (node: number) => join(workspace.folder, `node-${node}`);

/** Starts a BuildKit for each platform, over TCP with mutual TLS, that trusts the registry. */
async function startNodes() {
  const { ca, server, client } = certificates;
  const config = join(workspace.folder, "buildkitd.toml");
  workspace.write("buildkitd.toml", registryToml({ ...dev.registry, ca: dev.registry.caFile }));
  const tls = ["--tlscacert", ca, "--tlscert", server.cert, "--tlskey", server.key];
  return Promise.all(
    platforms.map(async (platform, i) => {
      const endpoint = `tcp://127.0.0.1:${await freePort()}`;
      const own = ["--root", stateOf(i), "--config", config, "--addr", endpoint];
      nodes.push(await startBuildkit([...own, ...tls]));
      const node = { endpoint, ca, ...client, platforms: [platform] };
      await untilAnswers({ ...node, name: builderOf(platform), setting: "builder" });
      return node;
    }),
  );
}

/** Pushes a base for both platforms to the registry; its name has no tag, so it is not followed. */
async function pushBase(): Promise<string> {
  workspace.write("base/Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY Dockerfile /base-$TARGETARCH\n");
  const [command = "", ...args] = await ensureBuildx();
  const name = `${dev.registry.address}/base`;
  const options = [
    `--builder=${builderOf(platforms[0] as string)}`,
    `--platform=${platforms}`,
    "--provenance=false",
  ];
  await withLogin(dev.registry, (env) =>
    must(command, [...args, "build", ...options, `--tag=${name}:1`, "--push", "base"], {
      cwd: workspace.folder,
      env: { ...dev.env, ...env },
    }),
  );
  return `${name}@${await digestOf(dev.registry, "base", "1")}`;
}

type Images = Record<
  string,
  { ref: string; digest: string; image: string; tags: string[]; parent: string | null }
>;

const imagesOf = async ({ engine }: Environment) => (await engine.outputs()).images?.value as Images;

interface Descriptor {
  readonly digest: string;
  readonly platform?: { readonly architecture: string };
}
/** What a registry has under a name; no more than this is read of it. */
async function get(at: Environment, image: string, name: string) {
  const answer = await ask(at.registry, `/v2/catalog/${image}/manifests/${name}`);
  return (await answer.json()) as {
    manifests?: Descriptor[];
    layers?: Descriptor[];
    config?: Descriptor;
  };
}

/** The images in an index, by their architectures. */
async function partsOf(at: Environment, image: string, tag: string): Promise<Record<string, string>> {
  const { manifests = [] } = await get(at, image, tag);
  return Object.fromEntries(manifests.map(({ platform, digest }) => [platform?.architecture, digest]));
}

const each = (names: readonly string[], ...suffixes: string[]) =>
  names.flatMap((name) => suffixes.map((suffix) => `${name}-${suffix}`)).sort();

test("one platform has an index too, and another may be added to it", { skip }, async () => {
  await updated(dev.engine);
  const { image, tags } = (await imagesOf(dev))[flask] as Images[string];
  const alone = await partsOf(dev, image, tags[0] as string);
  assert.deepEqual(Object.keys(alone), ["amd64"]);
  set({ platforms });
  const added = [...each(layers, "image-386", "index"), ...each(layers.slice(1), "index-2")].sort();
  assert.deepEqual(await previewed(dev.engine), added);
  assert.deepEqual(await updated(dev.engine), added);
  assert.equal((await partsOf(dev, image, tags[0] as string)).amd64, alone.amd64);
});

test("each image is built for each platform, and an index of both is under every tag", { skip }, async () => {
  const { code, stdout, stderr } = await workspace.npm(["up", "--stack", dev.stack, "--engine"], dev.env);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  const images = await imagesOf(dev);
  assert.deepEqual(Object.keys(images).sort(), [...layers].sort());
  for (const { image, tags, digest, ref } of Object.values(images)) {
    const parts = await partsOf(dev, image, tags[0] as string);
    assert.deepEqual(Object.keys(parts).sort(), ["386", "amd64"], image);
    assert.ok(ref.endsWith(`/${image}:${tags[0]}@${digest}`), ref);
    for (const tag of tags) assert.equal(await digestOf(dev.registry, `catalog/${image}`, tag), digest);
    for (const [architecture, part] of Object.entries(parts)) {
      const tag = `${tags[0]}-${architecture}`;
      assert.equal(await digestOf(dev.registry, `catalog/${image}`, tag), part, tag);
    }
  }
});

test("a child is built from its parent of the same platform", { skip }, async () => {
  const images = await imagesOf(dev);
  const partOf = async (name: string, architecture: string) => {
    const { image, tags } = images[name] as Images[string];
    const digest = (await partsOf(dev, image, tags[0] as string))[architecture] as string;
    const { layers = [], config } = await get(dev, image, digest);
    const answer = await ask(dev.registry, `/v2/catalog/${image}/blobs/${config?.digest}`);
    const { architecture: own, config: made } = (await answer.json()) as {
      architecture: string;
      config: { Labels: Record<string, string> };
    };
    assert.equal(own, architecture);
    return { digest, layers: layers.map(({ digest }) => digest), labels: made.Labels };
  };
  for (const [name, { parent }] of Object.entries(images)) {
    if (parent === null) continue;
    for (const architecture of ["386", "amd64"]) {
      const own = await partOf(name, architecture);
      const below = await partOf(parent, architecture);
      assert.deepEqual(own.layers.slice(0, -1), below.layers, name);
      assert.equal(own.labels["org.opencontainers.image.base.digest"], below.digest, name);
    }
  }
});

test("each node has pulled what it builds on for its platform, and for no other", { skip }, async () => {
  const images = await imagesOf(dev);
  const parents = Object.values(images).flatMap(({ parent }) => (parent === null ? [] : images[parent]));
  assert.equal(parents.length, 3);
  for (const { image, tags } of parents as Images[string][]) {
    const parts = await partsOf(dev, image, tags[0] as string);
    for (const [i, architecture] of ["amd64", "386"].entries()) {
      const { layers = [] } = await get(dev, image, parts[architecture] as string);
      const blob = (layers.at(-1) as Descriptor).digest.replace(":", "/");
      const on = platforms.filter(
        (_, node) => globSync(join(stateOf(node), "*/content/blobs", blob)).length > 0,
      );
      assert.deepEqual(on, [platforms[i]], `${image} for ${architecture}`);
    }
  }
});

test("doctor asks each node whether it trusts the registry", { skip }, async () => {
  const { stdout } = await workspace.npm(["doctor", "--stack", dev.stack], dev.env);
  for (const platform of platforms)
    assert.match(stdout, new RegExp(`^✓ trust +BuildKit \\(builder ${builderOf(platform)}\\): yes$`, "m"));
});

test("nothing changed, nothing to do", { skip }, async () => {
  assert.deepEqual(await previewed(dev.engine), []);
  assert.deepEqual(await updated(dev.engine), []);
});

test("the engine takes its own platform out of an index", { skip }, async () => {
  const { ref } = (await imagesOf(dev))[flask] as Images[string];
  await withLogin(dev.registry, (env) => must("docker", ["pull", "--quiet", ref], { env }));
  const { stdout } = await must("docker", ["image", "inspect", "--format", "{{.Architecture}}", ref]);
  assert.equal(stdout.trim(), "amd64");
  await must("docker", ["image", "rm", "--force", ref]);
});

const python13 = (revision: number) => ({ pythons: [{ ...python("3.13.5"), revision }] });

test("a change lists what is built on it, for all platforms, and nothing else", { skip }, async () => {
  set(python13(2));
  const changed = each([python313, flask], "image-386", "image-amd64", "index", "index-2");
  assert.deepEqual(await previewed(dev.engine), changed);
  assert.deepEqual(await updated(dev.engine), changed);
  assert.deepEqual(await previewed(dev.engine), []);
});

test("other content under version tags, and one platform less, are refused at preview", {
  skip,
}, async () => {
  const dockerfile = "images/python/Dockerfile";
  workspace.edit(dockerfile, "COPY", "# A remark.\nCOPY");
  await assert.rejects(
    previewed(dev.engine),
    /\/python:3\.13\.5-r2-debian13-386 is published, and what goes into it changes/,
  );
  workspace.edit(dockerfile, "# A remark.\nCOPY", "COPY");
  set({ platforms: ["linux/amd64"] });
  await assert.rejects(previewed(dev.engine), /\/debian:13 is published, and has another image/);
  set({ platforms });
  assert.deepEqual(await previewed(dev.engine), []);
});

test("an index is promoted as it is, with the images in it", { skip }, async () => {
  const names = layers.slice(0, 3);
  await updated(prod.engine);
  assert.deepEqual(await previewed(prod.engine), []);
  const [built, promoted] = [await imagesOf(dev), await imagesOf(prod)];
  assert.deepEqual(Object.keys(promoted).sort(), [...names].sort());
  for (const name of names) {
    const { image, tags, digest } = promoted[name] as Images[string];
    assert.equal(digest, built[name]?.digest);
    for (const tag of tags) {
      assert.equal(await digestOf(prod.registry, `catalog/${image}`, tag), digest);
      assert.deepEqual(await partsOf(prod, image, tag), await partsOf(dev, image, tag));
    }
    for (const part of Object.values(await partsOf(prod, image, tags[0] as string)))
      assert.equal((await get(prod, image, part)).manifests, undefined, "an image itself");
  }
});

test("without the engine the images are the same, and joined as well", { skip }, async () => {
  const { address, username, password } = dev.registry;
  const images = await imagesOf(dev);
  const published = async () => {
    const found: Record<string, object> = {};
    for (const { image, tags } of Object.values(images))
      for (const tag of tags) found[`${image}:${tag}`] = await partsOf(dev, image, tag);
    return found;
  };
  const before = await published();
  const args = ["bake", "--build", "--stack", dev.stack];
  const env = { ...dev.env, CATALOG_REGISTRY_PASSWORD: password };
  const refused = await workspace.npm(args, env);
  assert.match(refused.stderr, /^✗ These version tags are published: /m);
  for (const tag of ["", "-386", "-amd64"])
    assert.match(
      refused.stderr,
      new RegExp(`  - ${address}/catalog/python:3\\.13\\.5-r2-debian13${tag}$`, "m"),
    );
  for (const { image, digest } of Object.values(images))
    await deleteManifest(dev.registry, `catalog/${image}`, digest);
  assert.notDeepEqual(await published(), before);
  set({ registry: { embedded: false, address, username, overwrite: true } });
  const { code, stdout, stderr } = await workspace.npm(args, env);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.deepEqual(await published(), before);
  assert.match(stdout, /^flask +3\.1\.3-python3\.13\.5-r2-debian13 +[0-9a-f]{12} +\d+\.\d \+ \d+\.\d MB +/m);
});
