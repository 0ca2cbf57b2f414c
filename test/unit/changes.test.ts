import assert from "node:assert/strict";
import { test } from "node:test";
import { describeChanges } from "../../ground/program/changes.ts";
import type { EngineEvent } from "../../ground/program/events.ts";

interface Inputs {
  buildArgs?: Record<string, string>;
  labels?: Record<string, string>;
  context?: { location?: string; named?: Record<string, { location: string }> };
}

const step = (op: string, type: string, name: string, old?: Inputs, now?: Inputs): EngineEvent => ({
  resourcePreEvent: {
    metadata: {
      op,
      type,
      urn: `urn:pulumi:dev::catalog::${type}::${name}`,
      old: old ? { inputs: { ...old } } : null,
      new: now ? { inputs: { ...now } } : null,
    },
  },
});
const IMAGE = "docker-build:index:Image";
/** An image that comes or goes, on the base that its labels name. */
const labeled = (title: string, version: string, { labels }: Inputs): Inputs => ({
  labels: {
    "org.opencontainers.image.title": title,
    "org.opencontainers.image.version": version,
    "catalog.repository.tag": version,
    ...labels,
  },
});
const on = (base: string): Inputs => ({ labels: { "org.opencontainers.image.base.name": base } });
const image = (op: string, title: string, version: string, change: Inputs = {}, from = version) => {
  if (op === "create") return step(op, IMAGE, `${title}-image`, undefined, labeled(title, version, change));
  if (op === "delete") return step(op, IMAGE, `${title}-image`, labeled(title, version, change));
  const inputs = (version: string, more: Inputs): Inputs => ({
    context: { location: ".catalog/contexts/x-1", ...more.context },
    buildArgs: { PARENT: "p", ...more.buildArgs },
    labels: {
      "org.opencontainers.image.title": title,
      "org.opencontainers.image.version": version,
      ...more.labels,
    },
  });
  return step(op, IMAGE, `${title}-image`, inputs(from, {}), inputs(version, change));
};
/** The same for two platforms. */
const both = (event: EngineEvent) => [event, event];
const follows: Inputs = {
  buildArgs: { PARENT: "unknown" },
  labels: { "org.opencontainers.image.base.digest": "unknown", "catalog.repository.tag": "new" },
};
const container = ["delete-replaced", "replace", "create-replacement"].map((op) =>
  step(op, "docker:index/container:Container", "service"),
);

/** The tags of an image that is promoted, by what its first and second are made from before and after. */
const promoted = (op: string, name: string, from: string | undefined, to: string | undefined) =>
  ["", "-2"].flatMap((tag) => {
    const made = (digest: string | undefined) =>
      digest === undefined
        ? null
        : { inputs: { sources: [`dev.example.com/a:1@sha256:${digest.repeat(64)}`] } };
    const steps = op === "replace" ? ["create-replacement", "replace", "delete-replaced"] : [op];
    return steps.map(
      (op): EngineEvent => ({
        resourcePreEvent: {
          metadata: {
            op,
            type: "docker-build:index:Index",
            urn: `urn:pulumi:staging::catalog::catalog:image:Promoted$docker-build:index:Index::${name}-index${tag}`,
            old: made(from),
            new: made(to),
          },
        },
      }),
    );
  });
/** What the stack says from which images come: flask on python on debian, and django beside flask. */
const dev: EngineEvent = {
  resOutputsEvent: {
    metadata: {
      op: "read",
      type: "pulumi:pulumi:StackReference",
      urn: "urn:pulumi:staging::catalog::pulumi:pulumi:StackReference::dev",
      new: {
        outputs: {
          outputs: {
            images: {
              debian: { parent: null },
              python: { parent: "debian" },
              flask: { parent: "python" },
              django: { parent: "python" },
            },
          },
        },
      },
    },
  },
};

const cases: [string, EngineEvent[], string][] = [
  [
    "nothing",
    [image("same", "debian", "13"), step("same", "docker:index/container:Container", "service")],
    "Nothing changes",
  ],
  [
    "a version, and what follows from it",
    [
      image("same", "debian", "13"),
      image("update", "python", "3.13.15", {}, "3.13.5"),
      image("update", "flask", "3.1.3", follows),
      ...container,
    ],
    "python 3.13.5 → 3.13.15: rebuilds 2 of 3 images, replaces 1 container",
  ],
  [
    "a version of two variants, of which one builds the other",
    [
      image("same", "debian", "13"),
      image("update", "python", "3.13.15", {}, "3.13.5"),
      image("update", "python", "3.13.15", { buildArgs: { BUILDER: "unknown" } }, "3.13.5"),
      image("update", "flask", "3.1.3", { ...follows, buildArgs: { PARENT: "unknown", BUILDER: "unknown" } }),
      ...container,
    ],
    "python 3.13.5 → 3.13.15: rebuilds 3 of 4 images, replaces 1 container",
  ],
  [
    "files, an argument, a source and a label",
    [
      image("update", "debian", "13", { buildArgs: { PACKAGES: "curl" } }),
      image("update", "pyenv", "2.7.1", {
        ...follows,
        context: { named: { "pyenv-source": { location: "x" } } },
      }),
      image("update", "app", "1.0.0", { ...follows, context: { location: "y" } }),
      image("update", "flask", "3.1.3", { labels: { "org.opencontainers.image.vendor": "Other" } }),
    ],
    "debian (PACKAGES); pyenv (source pyenv-source); app (its files); " +
      "flask (label org.opencontainers.image.vendor): rebuilds 4 of 4 images",
  ],
  [
    "a Python more, another less",
    [
      image("same", "debian", "13"),
      image("create", "python", "3.14.0", on("pyenv:2.7.1")),
      image("create", "flask", "3.1.3", on("python:3.14.0")),
      image("delete", "flask", "3.1.3", on("python:3.12.0")),
      image("delete", "python", "3.12.0", on("pyenv:2.7.1")),
    ],
    "python 3.12.0 → 3.14.0: builds 2 new images, drops 2 images, kept in the registry",
  ],
  [
    "a Python more",
    [
      image("same", "debian", "13"),
      image("create", "python", "3.14.0", on("pyenv:2.7.1")),
      image("create", "flask", "3.1.3", on("python:3.14.0")),
    ],
    "python 3.14.0 added: builds 2 new images",
  ],
  [
    "a Python more, in two variants",
    [
      image("same", "debian", "13"),
      image("create", "python", "3.14.0", on("pyenv:2.7.1")),
      image("create", "python", "3.14.0", on("debian:13")),
    ],
    "python 3.14.0 added: builds 2 new images",
  ],
  [
    "a framework less",
    [image("same", "debian", "13"), image("delete", "flask", "3.1.3", on("python:3.12.0"))],
    "flask 3.1.3 removed: drops 1 image, kept in the registry",
  ],
  [
    "the first time",
    [image("create", "debian", "13"), image("create", "pyenv", "2.7.1", on("debian:13"))],
    "builds 2 new images",
  ],
  [
    "another pyenv, and what follows",
    [
      image("same", "debian", "13"),
      image("create", "pyenv", "2.7.1", on("debian:13")),
      image("delete", "pyenv", "2.5.4", on("debian:13")),
      image("update", "python", "3.13.5", follows),
    ],
    "pyenv 2.5.4 → 2.7.1: builds 1 new image, rebuilds 1 of 3 images, drops 1 image, kept in the registry",
  ],
  [
    "several platforms, each with its own images, and their indexes",
    [
      ...both(image("same", "debian", "13")),
      ...both(image("update", "python", "3.13.15", {}, "3.13.5")),
      ...both(image("update", "flask", "3.1.3", follows)),
      step("update", "catalog:image:Python$docker-build:index:Index", "python-index"),
    ],
    "python 3.13.5 → 3.13.15: rebuilds 4 of 6 images",
  ],
  [
    "platforms instead of the builder's own",
    [
      ...both(image("create", "debian", "13", on("base"))),
      ...both(image("create", "flask", "3.1.3", on("debian:13"))),
      image("delete", "debian", "13", on("base")),
      image("delete", "flask", "3.1.3", on("debian:13")),
    ],
    "builds 4 new images, drops 2 images, kept in the registry",
  ],
  [
    "a first promotion",
    [dev, ...promoted("create", "debian", undefined, "a"), ...promoted("create", "python", undefined, "b")],
    "promotes 2 images from dev",
  ],
  [
    "a promotion of one image and what stands on it",
    [
      dev,
      ...promoted("same", "debian", "a", "a"),
      ...promoted("update", "python", "b", "c"),
      ...promoted("replace", "flask", "d", "e"),
      ...promoted("same", "django", "f", "f"),
      ...container,
    ],
    `python ${"b".repeat(12)} → ${"c".repeat(12)}: promotes 2 of 4 images from dev, replaces 1 container`,
  ],
  [
    "a promotion of two images, one of them new, and one that is left out",
    [
      dev,
      ...promoted("same", "debian", "a", "a"),
      ...promoted("same", "python", "b", "b"),
      ...promoted("update", "flask", "c", "d"),
      ...promoted("create", "django", undefined, "e"),
      ...promoted("delete", "ansible", "f", undefined),
    ],
    `flask ${"c".repeat(12)} → ${"d".repeat(12)}; django added: promotes 2 of 4 images from dev, ` +
      "drops 1 image, kept in the registry",
  ],
  [
    "a short tag that comes to an image that is there",
    [
      dev,
      ...promoted("same", "debian", "a", "a").slice(0, 1),
      ...promoted("create", "debian", undefined, "a").slice(1),
    ],
    "No image changes",
  ],
  ["a promotion that is done", [dev, ...promoted("same", "debian", "a", "a")], "Nothing changes"],
  ["outputs only", [step("update", "pulumi:pulumi:Stack", "catalog-dev")], "No image changes"],
];

for (const [what, events, sentence] of cases) {
  test(`a preview in words: ${what}`, () => assert.equal(describeChanges(events), sentence));
}
