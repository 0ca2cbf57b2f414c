import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineEvent } from "../../ground/program/events.ts";
import { explain, outcomeOf } from "../../ground/program/failures.ts";
import { promotedLayers } from "../../ground/program/promotions.ts";
import { reasonOf } from "../../ground/tools/buildLog.ts";

const IMAGE = "docker-build:index:Image";
const command = 'PYTHON_BUILD_CACHE_PATH=/tmp/source install-python.sh "3.12.11"';
const process = (code = 1) =>
  `process "/bin/sh -c ${command.replaceAll('"', '\\"')}" did not complete successfully: exit code: ${code}`;

// What BuildKit really prints, shortened.
const log = `#0 building with "catalog" instance using remote driver

#1 [internal] load build definition from Dockerfile
#1 DONE 0.1s

#7 [cpython-source 1/1] ADD --checksum=sha256:aa --chmod=0644 https://example.com/a.tar.xz /
#7 DONE 0.0s

#8 [stage-1 2/2] RUN --mount=type=bind,from=cpython-source,target=/tmp/source     ${command}
#8 0.395 checking for gcc... no
#8 0.396 \u001b[31mconfigure: error: no acceptable C compiler found in $PATH\u001b[0m
#8 0.397 See \`config.log' for more details
#8 0.398 make: *** [Makefile:1: all] Error 1
`;
const said = "configure: error: no acceptable C compiler found in $PATH";

const reasons: [string, string, string][] = [
  [
    "a command, without its mounts and with the line that says why",
    `${log}#8 ERROR: ${process()}\n------\n > [stage-1 2/2] RUN …:\nERROR: failed to solve: ${process()}\n`,
    `RUN ${command} failed with code 1: ${said}`,
  ],
  [
    "a command, where the end of the log is missing",
    `${log}failed to solve: ${process(137)}\n`,
    `RUN ${command} failed with code 137; what arrived last: ${said}`,
  ],
  [
    "a command of which nothing has arrived",
    `#1 [internal] load build definition from Dockerfile\n#1 DONE 0.1s\nfailed to solve: ${process()}\n`,
    `RUN ${command} failed with code 1; nothing that it printed has arrived`,
  ],
  [
    "a silent command",
    `#8 [2/2] RUN false\n#8 ERROR: ${process()}\n`,
    "RUN false failed with code 1: it printed nothing",
  ],
  [
    "a command that says nothing of an error",
    `#8 [2/2] RUN a\n#8 0.1 one\n#9 [b 1/1] RUN b\n#9 0.2 of another step\n#8 0.1 two\n#8 ERROR: ${process(3)}\n`,
    "RUN a failed with code 3: two",
  ],
  [
    "a known cause",
    `${log.replace(said, "write /a: no space left on device")}#8 ERROR: ${process()}\n`,
    `RUN ${command} failed. The disk is full: free some space and run the same command again.`,
  ],
  [
    "a checksum",
    "#7 [a 1/1] ADD --checksum=sha256:aa https://example.com/a /\n#7 ERROR: digest mismatch sha256:aa: sha256:bb\n",
    "ADD https://example.com/a / failed. A source is not what its checksum says: digest mismatch sha256:aa: sha256:bb.",
  ],
  [
    "a push",
    "#9 exporting to image\n#9 exporting layers done\n#9 ERROR: failed to push a/b: connection reset\n",
    "exporting to image failed: failed to push a/b: connection reset",
  ],
  [
    "a push that was tried again, by its last try",
    "#0 building with x\n#9 exporting to image\n#9 ERROR: connection reset\n#0 building with x\n#9 exporting to image\n#9 ERROR: 401 Unauthorized\n",
    "exporting to image failed. The registry refuses the login: is it right, and still valid, in the stack's secret registryPassword, in CATALOG_REGISTRY_PASSWORD, or by `docker login`?",
  ],
  [
    "a command, where there is no cache to read and none can be written",
    `#3 importing cache manifest from a/b:c\n#3 ERROR: failed to configure registry cache importer: 401 Unauthorized\n${log}#8 ERROR: ${process()}\n`,
    `RUN ${command} failed with code 1: ${said}`,
  ],
  [
    "a push, where the cache cannot be written either",
    "#9 exporting cache to registry\n#9 ERROR: error writing layer blob: 401 Unauthorized\n#8 exporting to image\n#8 ERROR: failed to push a/b: connection reset\n",
    "exporting to image failed: failed to push a/b: connection reset",
  ],
  [
    "what is no step",
    "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.1s\nERROR: failed to solve: dockerfile parse error\n",
    "failed to solve: dockerfile parse error",
  ],
  [
    "a container",
    "Bind for 127.0.0.1:5000 failed: port is already allocated",
    "A port that the stack publishes is in use: stop what holds it, or change the port in the stack's file.",
  ],
];
for (const [what, log, reason] of reasons) {
  test(`why it failed: ${what}`, () => assert.equal(reasonOf(log), reason));
}

const layer = (name: string, ...parents: string[]) => ({ name, resource: `${name}-image`, parents });
const layers = [
  layer("os"),
  layer("pyenv", "os"),
  layer("java", "os"),
  ...["3.13", "3.12"].flatMap((version) => [
    layer(`python-${version}`, "pyenv"),
    layer(`flask-${version}`, `python-${version}`),
  ]),
  layer("app", "flask-3.12"),
];

test("a failed branch: what was not attempted for it, and that all else is built", () => {
  const built = new Set(["os", "pyenv", "java", "python-3.13", "flask-3.13"]);
  assert.equal(
    explain(layers, built, [{ name: "python-3.12", log: `#8 [2/2] RUN a\n#8 ERROR: ${process()}` }]),
    [
      "Not everything could be built:",
      "  - python-3.12: RUN a failed with code 1: it printed nothing",
      "    Not attempted because of it: flask-3.12, app.",
      "All else is built, and nothing that was there is lost. The same command builds what is missing.",
    ].join("\n"),
  );
});

test("what nobody came to is not said to be built", () => {
  const text = explain(layers, new Set(["os"]), [{ name: "registry-container", log: "no such network" }]);
  assert.match(text, /^ {2}- registry-container: no such network$/m);
  assert.match(
    text,
    /^Not attempted: pyenv, java, python-3\.13, .*, app\. Nothing that was there is lost\./m,
  );
  assert.doesNotMatch(text, /All else is built/);
});

test("many names are counted", () => {
  const wide = [layer("os"), ...[..."abcdefghi"].map((name) => layer(name, "os"))];
  const text = explain(wide, new Set(), [{ name: "os", log: "x" }]);
  assert.match(text, /^ {4}Not attempted because of it: a, b, c, d, e, f and 3 more\.$/m);
});

test("an engine's events: what is there, and what has failed with all that was said of it", () => {
  const urn = (name: string, type = IMAGE) =>
    `urn:pulumi:dev::catalog::catalog:image:Python$${type}::${name}`;
  const step = (op: string, name: string, type = IMAGE) => ({ metadata: { op, type, urn: urn(name, type) } });
  const say = (name: string, message: string, severity = "info") => ({
    diagnosticEvent: { severity, message, urn: urn(name) },
  });
  const events: EngineEvent[] = [
    { resourcePreEvent: step("same", "os-image") },
    { resOutputsEvent: step("same", "os-image") },
    { resourcePreEvent: step("update", "pyenv-image") },
    say("pyenv-image", "#8 [2/2] RUN a\n"),
    say("java-image", "#8 0.1 of another image\n"),
    say("pyenv-image", "of the engine\n", "debug"),
    say("pyenv-image", "#8 0.1 b\n"),
    say("pyenv-image", `failed to solve: ${process()}\n`, "error"),
    { resOpFailedEvent: step("update", "pyenv-image") },
    { resOutputsEvent: step("create", "java-image") },
    { resOutputsEvent: step("create", "registry-volume", "docker:index/volume:Volume") },
    { resOpFailedEvent: step("create", "service-container", "docker:index/container:Container") },
  ];
  const { built, failures } = outcomeOf(layers, events);
  assert.deepEqual([...built], ["os", "java"]);
  assert.deepEqual(failures, [
    { name: "pyenv", log: `#8 [2/2] RUN a\n#8 0.1 b\nfailed to solve: ${process()}\n` },
    { name: "service-container", log: "" },
  ]);
});

test("a promotion that fails: what was not promoted for it, as far as it was asked for", () => {
  const images = { os: null, python: "os", flask: "python", app: "flask", java: "os" };
  const outputs = Object.fromEntries(Object.entries(images).map(([name, parent]) => [name, { parent }]));
  const metadata = {
    op: "read",
    type: "pulumi:pulumi:StackReference",
    urn: "urn:pulumi:staging::catalog::pulumi:pulumi:StackReference::dev",
    new: { outputs: { outputs: { images: outputs } } },
  };
  const index = (name: string) => ({
    op: "update",
    type: "docker-build:index:Index",
    urn: `urn:pulumi:staging::catalog::catalog:image:Promoted$docker-build:index:Index::${name}-index`,
  });
  const events: EngineEvent[] = [
    { resOutputsEvent: { metadata } },
    { resOutputsEvent: { metadata: index("os") } },
    { resOpFailedEvent: { metadata: index("python") } },
    {
      diagnosticEvent: { severity: "error", message: "creating: no such host\n", urn: index("python").urn },
    },
  ];
  const layers = promotedLayers(events, ["app"]);
  const { built, failures } = outcomeOf(layers, events);
  assert.equal(
    explain(layers, built, failures, "promote"),
    [
      "Not everything could be promoted:",
      "  - python: creating: no such host",
      "    Not attempted because of it: flask, app.",
      "All else is promoted, and nothing that was there is lost. The same command promotes what is missing.",
    ].join("\n"),
  );
});
