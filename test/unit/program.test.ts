import assert from "node:assert/strict";
import { test } from "node:test";
import { RunError } from "@pulumi/pulumi";
import { Catalog } from "../../components/catalog.ts";
import type { Registry } from "../../components/registry.ts";
import { type Recording, type Registration, record } from "../../ground/program/record.ts";
import { readStack } from "../../ground/program/stack.ts";
import "../support/offline.ts";

const password = "a-password-of-the-tests";
const dev = readStack("dev");
const recording = await record(dev, password);

const IMAGE = "docker-build:index:Image";
const named = ({ resources }: Recording, name: string): Registration => {
  const found = resources.filter((resource) => resource.name === name);
  assert.equal(found.length, 1, `${name} is registered ${found.length} times`);
  return found[0] as Registration;
};
const image = (layer: string, from = recording) => named(from, `${layer}-image`);

const [os, pyenv, python] = ["debian-13", "pyenv-2.7-debian-13", "python-3.13-debian-13"];
const [slim, flask] = ["python-3.13-slim-debian-13", "flask-3.1-python-3.13-debian-13"];
/** Every layer, and what it is built from: its parent, and what has the compilers for it. */
const chain: { layer: string; type: string; from: string[] }[] = [
  { layer: os, type: "catalog:image:OperatingSystem", from: [] },
  { layer: pyenv, type: "catalog:image:Pyenv", from: [os] },
  { layer: python, type: "catalog:image:Python", from: [pyenv] },
  { layer: slim, type: "catalog:image:SlimPython", from: [os, python] },
  { layer: flask, type: "catalog:image:Framework", from: [slim, python] },
  { layer: "flask-helloworld", type: "catalog:image:Application", from: [flask, python] },
];

test("each layer is a component of its kind with one image of its own", () => {
  for (const { layer, type } of chain) {
    assert.equal(named(recording, layer).type, type);
    assert.equal(image(layer).type, IMAGE);
    assert.equal(image(layer).parent, layer);
  }
  assert.equal(recording.resources.filter(({ type }) => type === IMAGE).length, chain.length);
});

test("each layer and its image depend on all that they are built from by option", () => {
  for (const { layer, from } of chain) {
    const expected = from.length > 0 ? from : ["registry-container"];
    assert.deepEqual(named(recording, layer).dependsOn, expected, layer);
    assert.deepEqual(image(layer).dependsOn, expected, `${layer}-image`);
  }
});

const basesOf = (layer: string, from = recording) => {
  const { PARENT, BUILDER } = image(layer, from).inputs.buildArgs as Record<string, string>;
  return [PARENT, BUILDER].flatMap((base) =>
    base ? base.replace(/^.*@sha256:recorded-(.*)-image$/, "$1") : [],
  );
};

test("each layer is built from its parent and its builder by digest", () => {
  for (const { layer, from } of chain) assert.deepEqual(basesOf(layer), from, layer);
});

test("with the full variant all is one line, and what has the compilers is the Python in it", async () => {
  const full = await record({ ...dev, values: { ...dev.values, variant: "full" } }, password);
  assert.ok(!full.resources.some(({ name }) => name === slim));
  assert.deepEqual(basesOf(flask, full), [python, python]);
  assert.deepEqual(named(full, flask).dependsOn, [python]);
  assert.deepEqual(basesOf("flask-helloworld", full), [flask, python]);
  assert.deepEqual(image(flask, full).inputs.tags, [
    "localhost:5001/catalog/flask:3.1.3-python3.13.5-debian13",
    "localhost:5001/catalog/flask:3.1.3",
  ]);
});

test("a Python is optimized where its line says so", async () => {
  const options = (from: Recording) =>
    (image(python, from).inputs.buildArgs as Record<string, string>).PYTHON_CONFIGURE_OPTS;
  assert.equal(options(recording), "");
  const [first] = dev.values.pythons as object[];
  const pythons = [{ ...first, optimize: true }];
  const optimized = await record({ ...dev, values: { ...dev.values, pythons } }, password);
  assert.equal(options(optimized), "--enable-optimizations --with-lto --disable-shared");
});

test("tags say the whole line of descent, and short ones point at it", () => {
  const tags = Object.fromEntries(chain.map(({ layer }) => [layer, image(layer).inputs.tags]));
  assert.deepEqual(tags, {
    "debian-13": ["localhost:5001/catalog/debian:13"],
    "pyenv-2.7-debian-13": [
      "localhost:5001/catalog/pyenv:2.7.1-debian13",
      "localhost:5001/catalog/pyenv:2.7.1",
    ],
    "python-3.13-debian-13": [
      "localhost:5001/catalog/python:3.13.5-debian13",
      "localhost:5001/catalog/python:3.13.5",
    ],
    "python-3.13-slim-debian-13": [
      "localhost:5001/catalog/python:3.13.5-slim-debian13",
      "localhost:5001/catalog/python:3.13.5-slim",
    ],
    "flask-3.1-python-3.13-debian-13": [
      "localhost:5001/catalog/flask:3.1.3-python3.13.5-slim-debian13",
      "localhost:5001/catalog/flask:3.1.3",
    ],
    "flask-helloworld": [
      "localhost:5001/catalog/flask-helloworld:1.0.0-flask3.1.3-python3.13.5-slim-debian13",
      "localhost:5001/catalog/flask-helloworld:1.0.0",
    ],
  });
});

test("labels name origin, tag, tools and base", () => {
  const labels = image("pyenv-2.7-debian-13").inputs.labels as Record<string, string>;
  assert.deepEqual(labels, {
    "catalog.repository.url": "https://git.example.com/platform/image-catalog",
    "catalog.repository.tag": "2.7.1-debian13",
    "catalog.pyenv.version": "2.7.1",
    "catalog.pyenv-virtualenv.version": "1.2.6",
    "org.opencontainers.image.title": "pyenv",
    "org.opencontainers.image.version": "2.7.1",
    "org.opencontainers.image.source": "https://git.example.com/platform/image-catalog",
    "org.opencontainers.image.vendor": "Example Inc.",
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.base.name": "debian:13",
    "org.opencontainers.image.base.digest": "sha256:recorded-debian-13-image",
  });
  const base = image("debian-13").inputs.labels as Record<string, string>;
  assert.equal(base["org.opencontainers.image.base.name"], "debian:13-slim");
  assert.match(base["org.opencontainers.image.base.digest"] as string, /^sha256:[0-9a-f]{64}$/);
});

test("every image has all its inputs from the first build on, and is kept when it is dropped", () => {
  for (const { layer } of chain) {
    const { inputs, retained } = image(layer);
    for (const key of [
      "buildArgs",
      "builder",
      "cacheFrom",
      "cacheTo",
      "context",
      "dockerfile",
      "labels",
      "registries",
      "secrets",
      "tags",
    ]) {
      assert.ok(key in inputs, `${layer} has no ${key}`);
    }
    assert.deepEqual(inputs.builder, { name: "catalog" });
    assert.deepEqual(inputs.exports, [{ raw: "type=registry,rewrite-timestamp=true,compression-level=2" }]);
    assert.equal((inputs.buildArgs as Record<string, string>).SOURCE_DATE_EPOCH, "315532800");
    assert.equal(inputs.buildOnPreview, false);
    assert.equal(retained, true);
    assert.match(
      (inputs.context as { location: string }).location,
      /^\.catalog\/contexts\/[a-z-]+-[0-9a-f]{16}$/,
    );
  }
});

test("the password is in nothing but secrets", () => {
  const holders = recording.resources.filter(({ inputs }) => JSON.stringify(inputs).includes(password));
  const images = chain.map(({ layer }) => `${layer}-image`);
  assert.deepEqual(holders.map(({ name }) => name).sort(), [...images, "registry-docker"].sort());
  for (const { name, inputs, secrets } of recording.resources) {
    for (const [key, value] of Object.entries(inputs)) {
      const sensitive = JSON.stringify(value).includes(password) || key === "uploads";
      if (sensitive) assert.ok(secrets.includes(key), `${key} of ${name} is not secret`);
    }
  }
  const { registryPassword, ...outputs } = recording.outputs;
  assert.equal(registryPassword, password);
  assert.ok(!JSON.stringify(outputs).includes(password));
});

test("the protection of a stack depends on all that is to be kept, which may still change", async () => {
  for (const protect of [true, false]) {
    const { resources } = await record({ ...dev, values: { ...dev.values, protect } }, password);
    const { dependsOn, protected: own } = named({ ...recording, resources }, "protection");
    assert.equal(own, protect);
    assert.deepEqual(dependsOn, [...chain.map(({ layer }) => layer), "flask-helloworld-service"]);
    assert.deepEqual(
      resources.filter((resource) => resource.protected).map(({ name }) => name),
      protect ? ["protection"] : [],
    );
  }
});

test("the registry has a volume and a login, and listens on loopback", () => {
  const { inputs } = named(recording, "registry-container");
  assert.deepEqual(inputs.ports, [{ internal: 5000, external: 5001, ip: "127.0.0.1" }]);
  assert.deepEqual(inputs.volumes, [{ volumeName: "registry-volume", containerPath: "/var/lib/registry" }]);
  assert.ok((inputs.envs as string[]).includes("REGISTRY_AUTH=htpasswd"));
  const [{ content }] = inputs.uploads as [{ content: string }];
  assert.match(content, /^catalog:\$2b\$04\$.{53}\n$/);
});

test("the login of the embedded registry is the same at every run and differs between stacks", async () => {
  const htpasswd = (of: Recording) => named(of, "registry-container").inputs.uploads;
  assert.deepEqual(htpasswd(await record(dev, password)), htpasswd(recording));
  assert.notDeepEqual(htpasswd(await record({ ...dev, name: "other" }, password)), htpasswd(recording));
});

test("a registry that exists is only logged in to", async () => {
  const shared = { embedded: false, address: "registry.example.com", username: "robot" };
  const { resources } = await record({ ...dev, values: { ...dev.values, registry: shared } }, password);
  assert.equal(
    resources.filter(({ name }) => name === "registry")[0]?.type,
    "catalog:service:SharedRegistry",
  );
  assert.ok(!resources.some(({ name }) => ["registry-container", "registry-volume"].includes(name)));
  const login = { address: "registry.example.com", username: "robot", password };
  const inputs = (of: string) => resources.find(({ name }) => name === of)?.inputs;
  assert.deepEqual(inputs("debian-13-image")?.registries, [login]);
  assert.deepEqual(inputs("registry-docker")?.registryAuth, [login]);
  // A change of its inputs would replace it, and with it every image.
  assert.deepEqual(Object.keys(inputs("registry-build") ?? {}), ["host"]);
  const os = resources.find(({ name }) => name === "debian-13");
  assert.deepEqual(os?.dependsOn, ["registry"]);
});

test("the service runs the application's image by digest, with no right that it does not need", () => {
  const { inputs, dependsOn } = named(recording, "flask-helloworld-service-container");
  assert.deepEqual(dependsOn, ["flask-helloworld", "flask-helloworld-service-image"]);
  assert.match(inputs.image as string, /@sha256:recorded-flask-helloworld-image$/);
  assert.equal(named(recording, "flask-helloworld-service-image").inputs.name, inputs.image);
  assert.equal(inputs.user, "1000:1000");
  assert.equal(inputs.readOnly, true);
  assert.deepEqual(inputs.capabilities, { adds: [], drops: ["ALL"] });
  assert.deepEqual(inputs.securityOpts, ["no-new-privileges"]);
  assert.equal(inputs.memorySwap, inputs.memory);
  assert.deepEqual(inputs.ports, [{ internal: 5000, external: 5000, ip: "127.0.0.1" }]);
  assert.equal(recording.outputs.serviceUrl, "http://127.0.0.1:5000/");
});

test("outputs: every image with ref, digest, tags, parent and version", () => {
  const { registry, images, readme } = recording.outputs as {
    registry: string;
    images: Record<
      string,
      { ref: string; digest: string; tags: string[]; parent: string | null; version: string }
    >;
    readme: string;
  };
  assert.equal(registry, "localhost:5001/catalog");
  assert.deepEqual(
    Object.entries(images).map(([name, { parent }]) => [name, parent]),
    chain.map(({ layer, from }) => [layer, from[0] ?? null]),
  );
  for (const { ref, digest } of Object.values(images)) {
    assert.ok(ref.endsWith(`@${digest}`));
    assert.ok(readme.includes(ref));
  }
});

test("a second Python is one line, and its frameworks leave the short tags to the default", async () => {
  const second = { version: "3.12.11", sha256: "0".repeat(64) };
  const pythons = [...(dev.values.pythons as object[]), second];
  const both = await record({ ...dev, values: { ...dev.values, pythons } }, password);
  assert.deepEqual(image("python-3.12-debian-13", both).inputs.tags, [
    "localhost:5001/catalog/python:3.12.11-debian13",
    "localhost:5001/catalog/python:3.12.11",
  ]);
  assert.deepEqual(image("flask-3.1-python-3.12-debian-13", both).inputs.tags, [
    "localhost:5001/catalog/flask:3.1.3-python3.12.11-slim-debian13",
  ]);
  assert.deepEqual(
    image("flask-3.1-python-3.13-debian-13", both).inputs.tags,
    image("flask-3.1-python-3.13-debian-13").inputs.tags,
  );
});

test("each image has a build cache of its own beside the images, disabled unless the stack wants one", async () => {
  const cached = await record({ ...dev, values: { ...dev.values, cache: "min" } }, password);
  for (const { layer } of chain) {
    const from = `type=registry,ref=localhost:5001/catalog/cache:${layer}`;
    const to = (mode: string) =>
      `${from},mode=${mode},oci-mediatypes=true,image-manifest=true,ignore-error=true`;
    const { cacheFrom, cacheTo } = image(layer, cached).inputs;
    assert.deepEqual(cacheFrom, [{ raw: from, disabled: false }]);
    assert.deepEqual(cacheTo, [{ raw: to("min"), disabled: false }]);
    assert.deepEqual(image(layer).inputs.cacheFrom, [{ raw: from, disabled: true }]);
    assert.deepEqual(image(layer).inputs.cacheTo, [{ raw: to("max"), disabled: true }]);
  }
});

test("two images that claim one tag are an error that names both", () => {
  const catalog = new Catalog(dev.config, {} as Registry);
  catalog.claim("localhost:5001/catalog/flask:3.1.3", "flask-3.1");
  catalog.claim("localhost:5001/catalog/flask:3.1.4", "flask-3.1");
  assert.throws(
    () => catalog.claim("localhost:5001/catalog/flask:3.1.3", "flask"),
    /The tag localhost:5001\/catalog\/flask:3\.1\.3 is claimed by two layers, flask-3\.1 and flask;/,
  );
});

test("a wrong stack file ends in a message without a stack", async () => {
  const values = { ...dev.values, pyenvs: "2.7.1", typo: "x" };
  const error = await record({ ...dev, values }).then(
    () => assert.fail("the program accepted it"),
    (error: Error) => error,
  );
  assert.ok(RunError.isInstance(error));
  const expected = ["pyenvs: found", "unknown key typo", "registryPassword: missing"];
  for (const text of expected) assert.ok(error.message.includes(text), `${text} is not in\n${error.message}`);
});

const shared = { embedded: false, address: "registry.example.com", username: "robot" };
const platforms = ["linux/amd64", "linux/arm64"];

test("for several platforms each layer has an image each, built from the parent's, and an index a tag", async () => {
  const two = await record({ ...dev, values: { ...dev.values, registry: shared, platforms } }, password);
  for (const { layer, from } of chain) {
    for (const architecture of ["amd64", "arm64"]) {
      const { inputs, parent } = named(two, `${layer}-image-${architecture}`);
      assert.equal(parent, layer);
      assert.deepEqual(inputs.platforms, [`linux/${architecture}`]);
      assert.match(
        (inputs.tags as string[]).join(),
        new RegExp(`^registry[^,]+-${architecture}$|:13-${architecture}$`),
      );
      const { PARENT, BUILDER } = inputs.buildArgs as Record<string, string>;
      assert.deepEqual(
        [PARENT, BUILDER].flatMap((base) => base?.split("@")[1] ?? []),
        from.map((below) => `sha256:recorded-${below}-image-${architecture}`),
      );
      const label = (inputs.labels as Record<string, string>)["org.opencontainers.image.base.digest"];
      if (PARENT) assert.equal(label, PARENT.split("@")[1]);
    }
    const { inputs, dependsOn, retained, hooks } = named(two, `${layer}-index`);
    assert.deepEqual(dependsOn, [`${layer}-image-amd64`, `${layer}-image-arm64`]);
    assert.deepEqual(
      (inputs.sources as string[]).map((source) => source.split("@")[1]),
      dependsOn.map((image) => `sha256:recorded-${image}`),
    );
    assert.ok(retained);
    assert.ok(hooks.includes("beforeCreate") && hooks.includes("beforeUpdate"), "version tags are guarded");
  }
  const tags = two.resources.flatMap(({ type, inputs }) => (type.endsWith(":Index") ? [inputs.tag] : []));
  const single = chain.flatMap(({ layer }) => image(layer).inputs.tags as string[]);
  assert.deepEqual(
    tags,
    single.map((tag) => tag.replace("localhost:5001", shared.address)),
  );
  const { images } = two.outputs as { images: Record<string, { ref: string; digest: string }> };
  for (const { layer } of chain) {
    assert.equal(images[layer]?.digest, `sha256:recorded-${layer}-index`);
    assert.ok(images[layer]?.ref.endsWith(`@sha256:recorded-${layer}-index`));
  }
});

test("without platforms no image says any, and there is no index", () => {
  assert.ok(!recording.resources.some(({ type }) => type.endsWith(":Index")));
  assert.ok(!recording.resources.some(({ inputs }) => "platforms" in inputs));
});
