import assert from "node:assert/strict";
import { after, test } from "node:test";
import { unknownCheckingProxy } from "@pulumi/policy";
import { unknownValue } from "@pulumi/pulumi/runtime/rpc.js";
import { type Config, parseConfig as parseSettings } from "../../components/settings.ts";
import { brokenPolicies, checkRecording, policyDefaults } from "../../ground/program/policies.ts";
import { type Recording, type Registration, record } from "../../ground/program/record.ts";
import { readStack, type Stack } from "../../ground/program/stack.ts";
import { GroundError } from "../../ground/tools/log.ts";
import { parseConfig } from "../../policy/config.ts";
import { resourceOf } from "../../policy/engine.ts";
import { policies } from "../../policy/policies.ts";
import { concerns, type Policy, type Resource } from "../../policy/policy.ts";
import "../support/offline.ts";

const password = "a-password-of-the-tests";

/** A stack with other settings than its file has. */
function stackWith(name: string, settings: object = {}): Stack {
  const stack = readStack(name);
  const values = { ...stack.values, ...settings };
  return { ...stack, values, config: parseSettings(values).config as Config };
}

const dev = stackWith("dev");
const shared = stackWith("dev", { registry: { embedded: false, address: "registry.example.com" } });
const staging = readStack("staging");
const onDev = await record(dev, password);
const onShared = await record(shared, password);
const { outputs } = onDev;
const onStaging = await record(staging, password, { stacks: { "organization/catalog/dev": outputs } });

const named = ({ resources }: Recording, name: string): Registration => {
  const found = resources.find((resource) => resource.name === name);
  assert.ok(found, name);
  return found;
};

/** A recording in which one resource is another. */
function changed(recording: Recording, name: string, change: (resource: Registration) => object): Recording {
  const old = named(recording, name);
  const resources = recording.resources.map((each) => (each === old ? { ...old, ...change(old) } : each));
  return { ...recording, resources };
}

/** A recording in which one resource of dev has other inputs. */
const given = (name: string, change: (inputs: Registration["inputs"]) => object) =>
  changed(onDev, name, ({ inputs }) => ({ inputs: { ...inputs, ...change(inputs) } }));
const image = (change: (inputs: Registration["inputs"]) => object) => given("flask-helloworld-image", change);
const container = (inputs: object) => given("flask-helloworld-service-container", () => inputs);

/** The violations in a recording, as people read them. */
function violations(stack: Stack, recording: Recording, config = "{}"): string[] {
  try {
    checkRecording(stack, recording, parseConfig(config).of);
    return [];
  } catch (error) {
    assert.ok(error instanceof GroundError);
    const [first, ...lines] = error.message.split("\n");
    assert.equal(first, "The program breaks policies:");
    assert.match(
      lines.pop() as string,
      /^What may be allowed is said in policy\/config\.json: docs\/policies\.md\. Nothing was built\.$/,
    );
    return lines.map((line) => line.slice("  - ".length));
  }
}

test("the catalog breaks no policy", async () => {
  const { systems, pyenvs } = dev.values;
  // On this machine what it is built on may not be prepared; its registry is another.
  const restricted = stackWith("restricted", { systems, pyenvs, sources: {} });
  const article = readStack("article");
  const both = stackWith("dev", {
    platforms: ["linux/amd64", "linux/arm64"],
    registry: { embedded: false, address: "registry.example.com" },
  });
  assert.deepEqual(violations(dev, onDev), []);
  assert.deepEqual(violations(shared, onShared), []);
  assert.deepEqual(violations(staging, onStaging), []);
  assert.deepEqual(violations(both, await record(both, password)), []);
  assert.deepEqual(violations(restricted, await record(restricted, password)), []);
  assert.deepEqual(violations(article, await record(article, password)), []);
});

interface Broken {
  readonly policy: string;
  readonly by: string;
  readonly recording: Recording;
  readonly stack?: Stack;
  /** What is said of it, without the resource's name and the policy's. */
  readonly says: RegExp;
}

const args = (more: object) =>
  image(({ buildArgs }) => ({ buildArgs: { ...(buildArgs as object), ...more } }));
const cache = [
  { raw: "type=registry,ref=registry.example.org/catalog/cache:flask,mode=max", disabled: false },
];

const broken: Broken[] = [
  {
    policy: "pinned-parents",
    by: "a parent by its tag",
    recording: args({ PARENT: "localhost:5001/catalog/flask:3.1.3" }),
    says: /^its build argument PARENT localhost:5001\/catalog\/flask:3\.1\.3 is a tag, .*; give the layer's `ref`$/,
  },
  {
    policy: "pinned-parents",
    by: "a builder by its tag",
    recording: args({ BUILDER: "localhost:5001/catalog/python:3.13.5" }),
    says: /^its build argument BUILDER localhost:5001\/catalog\/python:3\.13\.5 is a tag, /,
  },
  {
    policy: "pinned-parents",
    by: "a base by its tag",
    recording: image(() => ({ context: { named: { base: { location: "docker-image://debian:13" } } } })),
    says: /^its named context debian:13 is a tag, .*; give the image's digest/,
  },
  {
    policy: "pinned-parents",
    by: "an image in a Dockerfile",
    recording: image(() => ({
      dockerfile: { inline: "FROM --platform=linux/amd64 python:3.14 AS build\nFROM build\n" },
    })),
    says: /^its Dockerfile's python:3\.14 is a tag, .*; begin with the build argument PARENT/,
  },
  {
    policy: "pinned-parents",
    by: "an image that a Dockerfile copies from",
    recording: image(() => ({
      dockerfile: { inline: "FROM $PARENT\nCOPY --chown=1000 --from=busybox:1 /bin /bin\n" },
    })),
    says: /^its Dockerfile's busybox:1 is a tag/,
  },
  {
    policy: "pinned-parents",
    by: "an image promoted by its tag",
    stack: staging,
    recording: changed(onStaging, "debian-13-index", ({ inputs }) => ({
      inputs: { ...inputs, sources: ["localhost:5001/catalog/debian:13"] },
    })),
    says: /^its source localhost:5001\/catalog\/debian:13 is a tag, .*; give the image's `ref`$/,
  },
  {
    policy: "allowed-registries",
    by: "a tag of another registry",
    recording: image(({ tags, labels }) => ({
      tags: [...(tags as string[]), "docker.io/catalog/flask:1"],
      labels,
    })),
    says: /^it is pushed to docker\.io\/catalog\/flask:1, and allowed is localhost:5001; give it a tag of an allowed registry/,
  },
  {
    policy: "allowed-registries",
    by: "a build cache in another registry",
    recording: image(() => ({ cacheTo: cache })),
    says: /^it is pushed to registry\.example\.org\/catalog\/cache:flask, and allowed is localhost:5001;/,
  },
  {
    policy: "complete-labels",
    by: "no labels",
    recording: image(() => ({ labels: {} })),
    says: /^it lacks the labels catalog\.repository\.url, catalog\.repository\.tag, catalog\.\*\.version, org\.opencontainers\.image\.title, .*; add them/,
  },
  {
    policy: "complete-labels",
    by: "an empty label",
    recording: image(({ labels }) => ({
      labels: { ...(labels as object), "org.opencontainers.image.vendor": "" },
    })),
    says: /^it lacks the labels org\.opencontainers\.image\.vendor; add them/,
  },
  ...["DB_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "apiKey"].map((name) => ({
    policy: "secret-arguments",
    by: `a build argument ${name}`,
    recording: args({ [name]: "value" }),
    says: new RegExp(`^its build argument ${name} looks like a secret, .*; give it as a build secret`),
  })),
  ...[
    "https://robot:hunter2@pypi.example.com/simple",
    `ghp_${"a".repeat(36)}`,
    "-----BEGIN OPENSSH PRIVATE KEY-----",
  ].map((value) => ({
    policy: "secret-arguments",
    by: `a build argument that is ${value.slice(0, 12)}…`,
    recording: args({ PIP_INDEX_URL: value }),
    says: /^its build argument PIP_INDEX_URL looks like a secret, which the state and the image's history would keep;/,
  })),
  {
    policy: "retained-images",
    by: "an image of a shared registry that would be deleted",
    stack: shared,
    recording: changed(onShared, "flask-helloworld-image", () => ({ retained: false })),
    says: /^registry\.example\.com\/catalog\/flask-helloworld:1\.0\.0-\S+ would be deleted for everybody .*`retainOnDelete: true`$/,
  },
  {
    policy: "retained-images",
    by: "a promoted tag that would be deleted",
    stack: staging,
    recording: changed(onStaging, "debian-13-index", () => ({ retained: false })),
    says: /^registry\.staging\.example\.com\/catalog\/debian:13 would be deleted/,
  },
  ...([undefined, "", "root", "0", "0:0", "root:1000", ":1000"] as const).map((user) => ({
    policy: "container-non-root",
    by: `the user ${user}`,
    recording: container({ user }),
    says: /^it runs as .+; set `user` to another than root: "1000:1000"$/,
  })),
  {
    policy: "container-read-only",
    by: "a root file system that can be written to",
    recording: container({ readOnly: false }),
    says: /^it can write to its root file system; set `readOnly: true`/,
  },
  {
    policy: "container-no-capabilities",
    by: "the usual capabilities",
    recording: container({ capabilities: undefined }),
    says: /^it keeps capabilities; set `capabilities: \{ drops: \["ALL"\] \}`$/,
  },
  {
    policy: "container-no-capabilities",
    by: "a capability that is added",
    recording: container({ capabilities: { drops: ["ALL"], adds: ["NET_ADMIN"] } }),
    says: /^it adds the capability NET_ADMIN; remove it, or allow it$/,
  },
  ...(
    [
      [{ privileged: true }, /^it is privileged; remove `privileged`$/],
      [{ securityOpts: [] }, /^it can gain privileges; set `securityOpts: \["no-new-privileges"\]`$/],
      [
        { securityOpts: ["no-new-privileges", "seccomp=unconfined"] },
        /^its security option seccomp=unconfined takes/,
      ],
      [{ networkMode: "host" }, /^it shares the host's network namespace; remove `networkMode`$/],
      [{ pidMode: "host" }, /^it shares the host's pid namespace/],
      [
        { volumes: [{ hostPath: "/var/run/docker.sock" }] },
        /^it has the engine's socket \/var\/run\/docker\.sock/,
      ],
      [{ mounts: [{ source: "/run/docker.sock" }] }, /^it has the engine's socket \/run\/docker\.sock/],
    ] as const
  ).map(([inputs, says]) => ({
    policy: "container-no-privilege",
    by: JSON.stringify(inputs),
    recording: container(inputs),
    says,
  })),
  {
    policy: "container-pinned",
    by: "a tag",
    recording: container({ image: "localhost:5001/catalog/flask-helloworld:1.0.0" }),
    says: /^its image localhost:5001\/catalog\/flask-helloworld:1\.0\.0 is a tag, .*; give it the image's `ref`$/,
  },
  {
    policy: "container-loopback",
    by: "a port on all addresses",
    recording: container({ ports: [{ internal: 5000, external: 5000 }] }),
    says: /^it publishes port 5000 on all addresses; set its `ip` to 127\.0\.0\.1, or allow the address$/,
  },
  {
    policy: "container-loopback",
    by: "a port on an address that the stack does not name",
    recording: container({ ports: [{ internal: 5000, external: 5000, ip: "192.0.2.1" }] }),
    says: /^it publishes port 5000 on 192\.0\.2\.1;/,
  },
  {
    policy: "container-loopback",
    by: "all its ports",
    recording: container({ publishAllPorts: true }),
    says: /^it publishes all its ports on all addresses; remove `publishAllPorts`/,
  },
  {
    policy: "container-limits",
    by: "no limit of memory",
    recording: container({ memory: undefined }),
    says: /^it may take all memory; set `memory`/,
  },
];

for (const { policy, by, recording, stack = dev, says } of broken) {
  test(`${policy} is broken by ${by}`, () => {
    const [violation = "", ...others] = violations(stack, recording);
    assert.deepEqual(others, []);
    const parts = /^[\w.-]+: (.+) \((.+)\)\.$/.exec(violation);
    assert.match(parts?.[1] ?? violation, says);
    assert.equal(parts?.[2], policy);
  });
}

test("each policy can be broken", () => {
  assert.deepEqual(new Set(broken.map(({ policy }) => policy)), new Set(policies.map(({ name }) => name)));
});

test("no message shows what a build argument holds", () => {
  assert.doesNotMatch(violations(dev, args({ DB_PASSWORD: "hunter2" })).join(), /hunter2/);
});

test("what only looks like a secret, or a tag, is neither", () => {
  const pinned =
    "FROM debian@sha256:0 AS a\nFROM a\nFROM $BUILDER AS b\nFROM $PARENT\nCOPY --from=0 / /\nCOPY --from=a / /\n";
  assert.deepEqual(violations(dev, args({ MAX_TOKENS: "4096", PASSENGER_VERSION: "6", KEYBOARD: "us" })), []);
  assert.deepEqual(
    violations(
      dev,
      image(() => ({ dockerfile: { inline: pinned } })),
    ),
    [],
  );
  assert.deepEqual(
    violations(
      dev,
      image(() => ({ cacheTo: [{ ...cache[0], disabled: true }] })),
    ),
    [],
  );
});

test("what the stack's file says is allowed, and policy/config.json can say otherwise", () => {
  const open = stackWith("dev", {
    applications: [{ name: "flask-helloworld", version: "1.0.0", framework: "flask", address: "0.0.0.0" }],
  });
  const published = container({ ports: [{ internal: 5000, external: 5000, ip: "0.0.0.0" }] });
  assert.deepEqual(violations(open, published), []);
  const loopback = JSON.stringify({ "container-loopback": { allow: ["192.0.2.1"] } });
  assert.equal(violations(open, published, loopback).length, 1);
  const registries = (allow: string[]) => JSON.stringify({ "allowed-registries": { allow } });
  const pushed = onDev.resources.filter(({ type }) => type === "docker-build:index:Image");
  assert.equal(violations(dev, onDev, registries(["registry.example.com"])).length, pushed.length * 2 - 1);
  assert.deepEqual(violations(dev, onDev, registries(["localhost:5001"])), []);
  const names = JSON.stringify({ "secret-arguments": { allow: ["GITHUB_TOKEN"] } });
  assert.deepEqual(violations(dev, args({ GITHUB_TOKEN: "none" }), names), []);
});

test("a policy that is advisory or disabled stops nothing", () => {
  const writable = container({ readOnly: false });
  for (const config of [
    { "container-read-only": "disabled" },
    { "container-read-only": { enforcementLevel: "advisory" } },
    { all: "disabled" },
  ])
    assert.deepEqual(violations(dev, writable, JSON.stringify(config)), [], JSON.stringify(config));
  const others = { all: "disabled", "container-read-only": "mandatory" };
  assert.equal(violations(dev, writable, JSON.stringify(others)).length, 1);
});

test("a configuration that is not valid is answered with the key and what is allowed", () => {
  const problems = (config: unknown) => parseConfig(JSON.stringify(config)).problems;
  assert.deepEqual(problems({ "container-readonly": "advisory" }), [
    `unknown key container-readonly; did you mean container-read-only? (allowed: all, ${policies.map(({ name }) => name).join(", ")})`,
  ]);
  assert.deepEqual(problems({ all: "strict" }), [
    'all: found "strict"; one of mandatory, advisory, disabled is needed',
  ]);
  assert.deepEqual(problems({ "container-limits": { allow: [] } }), [
    "container-limits: unknown key allow; allowed: enforcementLevel",
  ]);
  assert.match(parseConfig("{").problems.join(), /^it is not JSON: /);
});

test("the configuration of this project is valid", () => {
  assert.deepEqual(violations(dev, onDev), []);
  checkRecording(dev, onDev);
});

// What follows is about the policies as Pulumi's engine asks them.

/** A resource of the recording as a policy pack is given it. */
function inEngine({ type, name, parent, inputs }: Registration, props: object = inputs): Resource {
  const component = parent === undefined ? "" : `${named(onDev, parent).type}$`;
  const urn = `urn:pulumi:dev::catalog::${component}${type}::${name}`;
  return resourceOf({ type, name, urn, props: unknownCheckingProxy(props) as Record<string, unknown> });
}

const checks = (policy: Policy, resource: Resource) =>
  concerns(policy, resource) ? policy.check(resource, ["localhost:5001"]) : [];

test("the engine's resources are the recording's", () => {
  for (const registration of onDev.resources) {
    const { name, type, inputs: props, parent } = registration;
    const component = parent === undefined ? undefined : named(onDev, parent).type;
    assert.deepEqual(inEngine(registration), { type, name, props, component, retained: undefined });
  }
});

test("what a preview does not know breaks no policy", () => {
  let count = 0;
  for (const registration of onDev.resources.filter(({ type }) =>
    policies.some(({ types }) => types.includes(type)),
  )) {
    for (const unknown of withUnknowns(registration.inputs)) {
      const resource = inEngine(registration, unknown as object);
      for (const policy of policies) assert.deepEqual(checks(policy, resource), [], JSON.stringify(unknown));
      count += 1;
    }
  }
  assert.ok(count > 100, `${count}`);
});

/** A value as often as there are values in it, each time with another one that is unknown. */
function withUnknowns(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    [unknownValue, ...withUnknowns(inner)].map((other) =>
      Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other },
    ),
  );
}

test("what the engine has found is said in the words of the recording", () => {
  const urn =
    "urn:pulumi:dev::catalog::catalog:service:Container$docker:index/container:Container::service-container";
  const event = (enforcementLevel: string) => ({
    policyEvent: {
      policyName: "container-read-only",
      resourceUrn: urn,
      message: "Containers cannot write to their root file system.\nit can write; do not let it\n",
      enforcementLevel,
    },
  });
  assert.equal(
    brokenPolicies([event("mandatory")])?.split("\n")[1],
    "  - service-container: it can write; do not let it (container-read-only).",
  );
  assert.equal(brokenPolicies([event("advisory"), {}]), undefined);
});

test("which packs are asked is the user's to say", () => {
  const key = "PULUMI_OPTION_POLICY_PACK";
  const before = process.env[key];
  after(() => {
    if (before === undefined) delete process.env[key];
    else process.env[key] = before;
  });
  delete process.env[key];
  assert.deepEqual(policyDefaults(), {
    [key]: `${process.cwd()}/policy`,
    [`${key}_CONFIG`]: `${process.cwd()}/policy/config.json`,
  });
  assert.throws(() => checkRecording(dev, container({ readOnly: false })), GroundError);
  process.env[key] = "";
  assert.deepEqual(policyDefaults(), {});
  checkRecording(dev, container({ readOnly: false }));
});
