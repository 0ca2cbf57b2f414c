import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ensureDocker } from "../../ground/machine/docker.ts";
import { run } from "../../ground/tools/exec.ts";
import { digestOf } from "../../ground/tools/registry.ts";
import { builtIn, mostOpen, type Turn, turnsOfBake, turnsOfPulumi } from "../support/display.ts";
import { select, noEngine as skip } from "../support/engine.ts";
import { makeStandIns, pyenv, python } from "../support/standIns.ts";
import { freePort, loginOf, newPassword, type Settings, type Workspace } from "../support/workspace.ts";

const versions = ["3.13.5", "3.12.11"];
const frameworks = [
  { name: "flask", version: "3.1.3" },
  { name: "django", version: "5.2.19" },
  { name: "ansible", version: "2.21.5" },
  { name: "tensorflow", version: "2.21.0" },
  { name: "bottle", version: "0.13.4" },
];
const on = (series: string) => [
  `python-${series}-slim-debian-13`,
  ...["ansible-2.21", "bottle-0.13", "django-5.2", "flask-3.1", "tensorflow-2.21"].map(
    (framework) => `${framework}-python-${series}-debian-13`,
  ),
];
const app = (name: string, framework: string, publish?: number) => ({
  name,
  version: "1.0.0",
  framework,
  ...(publish ? { publish } : {}),
});
const onFirst = [...on("3.13"), "django-hello", "python-3.13-debian-13"].sort();
const onSecond = [...on("3.12"), "flask-helloworld", "python-3.12-debian-13"].sort();
const others = ["debian-13", "java-21-debian-13", "java-helloworld", "pyenv-2.5-debian-13"];

const wrong = { version: "3.12.11", sha256: "f".repeat(64) };
const words = [
  /^✗ Not everything could be built:$/m,
  /^ {2}- python-3\.12-debian-13: RUN case .* exit 7; esac failed with code 7[:;] .*not the archive of 3\.12\.11$/m,
  /^ {4}Not attempted because of it: (?=.*flask-helloworld)(?=.*bottle-0\.13-python-3\.12-debian-13).*\.$/m,
  /^All else is built, and nothing that was there is lost\. The same command builds what is missing\.$/m,
];

const workspaces: Workspace[] = [];

before(ensureDocker);
after(async () => {
  for (const workspace of workspaces) await workspace.remove();
});

/**
 * Two Pythons and a Java, each of which is only built when the other two are under way: branches that wait for one
 * another end in a failure. A Python whose checksum is not the usual one fails after that.
 */
async function make(settings: Settings = {}): Promise<Workspace> {
  // In the command, so that no builder has its result, and in a folder where nobody else comes to.
  const place = `/meeting/${newPassword()}`;
  const meet = (who: string) =>
    `RUN --mount=type=cache,id=image-catalog-test,target=/meeting \\
    mkdir -p "${place}/${who}" && for i in $(seq 600); do [ "$(ls ${place} | wc -l)" -lt 3 ] || exit 0; sleep 0.1; done; \\
    echo "nobody else came"; exit 1`;
  const workspace = await makeStandIns(
    {
      pythons: versions.map(python),
      frameworks,
      javas: [{ version: "21" }],
      applications: [
        app("flask-helloworld", "flask-3.1-python-3.12"),
        app("django-hello", "django"),
        app("java-helloworld", "java"),
      ],
      ...settings,
    },
    {
      "images/python": `ARG PARENT=scratch
FROM \${PARENT}
ARG CPYTHON_SHA256 PYTHON_VERSION
${meet("$PYTHON_VERSION")}
RUN case "$CPYTHON_SHA256" in f*) echo "not the archive of $PYTHON_VERSION"; sleep 1; exit 7; esac
RUN echo "$PYTHON_VERSION" >/python
`,
      "images/java": `ARG PARENT=scratch
FROM \${PARENT}
ARG JAVA_VERSION
${meet("java-$JAVA_VERSION")}
`,
      "images/ansible/2.21.5": `ARG PARENT=scratch
FROM \${PARENT}
COPY requirements.txt /requirements.txt
`,
    },
  );
  workspace.write("images/bottle/0.13.4/requirements.txt", "bottle==0.13.4\n");
  workspaces.push(workspace);
  return workspace;
}

const set = (workspace: Workspace, settings: Settings) =>
  workspace.configure((config) => ({
    ...config,
    ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`catalog:${key}`, value])),
  }));

/** Whether two builds were open at the same time. */
function overlap(turns: readonly Turn[], one: string, other: string): boolean {
  const at = (image: string, begins: boolean) =>
    turns.findIndex((turn) => turn.image === image && turn.begins === begins);
  return at(one, true) < at(other, false) && at(other, true) < at(one, false);
}

test("a matrix with the real engine", { skip }, async (t) => {
  const workspace = await make();
  const up = () => workspace.npm(["up", "--stack", workspace.stack, "--engine"]);
  const pythons = async () => {
    const { value } = await (await select(workspace)).getConfig("registryPassword");
    const tags = versions.map((version) => `${version}-debian13`);
    return Promise.all(tags.map((tag) => digestOf(loginOf(workspace, value), "catalog/python", tag)));
  };

  await t.test("two Pythons, five frameworks, a Java: one `up`, in parallel branches", async () => {
    const { code, stdout, stderr } = await up();
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    const turns = turnsOfPulumi(stdout);
    assert.deepEqual(builtIn(turns), [...onFirst, ...onSecond, ...others].sort());
    assert.ok(overlap(turns, "python-3.13-debian-13", "python-3.12-debian-13"));
    assert.ok(overlap(turns, "python-3.13-debian-13", "java-21-debian-13"));
  });

  await t.test(
    "a Python fails: the other branch is built, and the message names layer and command",
    async () => {
      const before = await pythons();
      set(workspace, { pyenvs: [pyenv("2.5.5")], pythons: [python("3.13.5"), wrong] });
      const { code, stdout, stderr } = await up();
      assert.notEqual(code, 0);
      for (const pattern of words) assert.match(stderr, pattern);
      assert.deepEqual(builtIn(turnsOfPulumi(stdout)), [...onFirst, "pyenv-2.5-debian-13"].sort());
      const [first, second] = await pythons();
      assert.ok(first && first !== before[0], "the good Python is not pushed");
      assert.equal(second, before[1]);
    },
  );

  await t.test(
    "mended, `up` builds only what was missing, and with `parallel: 1` one after the other",
    async () => {
      set(workspace, { pythons: versions.map(python), parallel: 1 });
      const { code, stdout, stderr } = await up();
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      const turns = turnsOfPulumi(stdout);
      assert.deepEqual(builtIn(turns), onSecond);
      assert.equal(mostOpen(turns), 1);
    },
  );
});

test("a matrix without the engine", async (t) => {
  const ports = [await freePort(), await freePort()];
  const workspace = await make({
    pythons: [python("3.13.5"), wrong],
    applications: [
      app("flask-helloworld", "flask-3.1-python-3.12", ports[0]),
      app("django-hello", "django"),
      app("java-helloworld", "java", ports[1]),
    ],
  });
  const bake = () => workspace.npm(["bake", "--build", "--stack", workspace.stack]);

  await t.test("a Python fails: the other branches are built in parallel, and run", async () => {
    const { code, stdout, stderr } = await bake();
    assert.notEqual(code, 0);
    for (const pattern of words) assert.match(stderr, pattern);
    assert.deepEqual(builtIn(turnsOfBake(stdout)), [...onFirst, ...others].sort());
    const label = `label=image-catalog.bake=${workspace.stack}`;
    const { stdout: names } = await run("docker", ["ps", "--filter", label, "--format", "{{.Names}}"]);
    assert.match(names, /-java-helloworld-service-container$/m);
    assert.doesNotMatch(names, /-flask-helloworld-/);
  });

  await t.test("mended, with `parallel: 1` one after the other", async () => {
    set(workspace, {
      pythons: versions.map(python),
      parallel: 1,
      applications: [app("java-helloworld", "java")],
    });
    const { code, stdout, stderr } = await bake();
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    const turns = turnsOfBake(stdout);
    const built = [...on("3.13"), "python-3.13-debian-13", ...on("3.12"), "python-3.12-debian-13", ...others];
    assert.deepEqual(builtIn(turns), built.sort());
    assert.equal(mostOpen(turns), 1);
  });
});
