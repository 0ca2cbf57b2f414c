/** Those who talk to a registry and are none of Pulumi's: each trusts CAs in a place of its own. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { remoteBuilders } from "../../components/builderSettings.ts";
import { certificatesOf } from "../../components/trust.ts";
import { type Builder, isOurs, trustRegistry } from "../machine/builder.ts";
import type { Stack } from "../program/stack.ts";
import { lastLine, type Result, run } from "../tools/exec.ts";

/** Somebody who talks to a registry. */
export interface Party {
  /** In words, such as "the Docker engine". */
  readonly name: string;
  /** What stands between it and the registry, with what to do; undefined where nothing does. */
  ask(): Promise<string | undefined>;
  /** Makes it trust `registry.ca`; undefined where that is for others to do. */
  readonly mend: (() => Promise<unknown>) | undefined;
}

/** An image that no registry has: what is said of it tells whether the registry was reached. */
const ABSENT = "image-catalog-probe:absent";

/** Those whom a stack needs: who builds, and who pulls what runs. */
export async function partiesOf(stack: Stack, builder: Builder | undefined): Promise<Party[]> {
  const runs = stack.config.applications.some(({ publish }) => publish !== undefined);
  const builders = builder ? buildersOf(stack, builder) : [];
  const buildkits = await Promise.all(builders.map((each) => buildkit(stack, each)));
  return [...buildkits, ...(runs ? [engine(stack)] : [])];
}

/** The builders of all platforms. */
function buildersOf({ config }: Stack, builder: Builder): Builder[] {
  const remotes = remoteBuilders(config.builder);
  return remotes.length === 0 ? [builder] : remotes.map(({ name }) => ({ ...builder, name }));
}

async function buildkit({ config }: Stack, builder: Builder): Promise<Party> {
  const { address, ca } = config.registry;
  const name = `BuildKit (builder ${builder.name})`;
  const [command = "", ...args] = builder.buildx;
  const build = ["build", "--builder", builder.name, "--progress=plain", "--output=type=cacheonly", "-"];
  return {
    name,
    ask: async () => {
      const input = `FROM ${address}/${config.namespace}/${ABSENT}\n`;
      const result = await run(command, [...args, ...build], { input, timeout: 60_000 });
      const how = `in its buildkitd.toml write [registry."${address}"] with ca = ["…"], the file of that CA on its machine, and start it anew`;
      return problemOf(name, address, result, how);
    },
    mend:
      ca !== undefined && (await isOurs(builder)) ? () => trustRegistry(builder, { address, ca }) : undefined,
  };
}

function engine({ config }: Stack): Party {
  const { address, ca } = config.registry;
  const name = "the Docker engine";
  const place = `/etc/docker/certs.d/${address}/ca.crt`;
  return {
    name,
    ask: async () => {
      const pull = ["pull", "--quiet", `${address}/${config.namespace}/${ABSENT}`];
      const result = await run("docker", pull, { timeout: 60_000 });
      const how = `as root on its machine, \`install -D -m 644 ${ca ?? "ca.pem"} ${place}\``;
      return problemOf(name, address, result, how);
    },
    mend:
      ca !== undefined && mayWrite() && !existsSync(place)
        ? async () => {
            mkdirSync(dirname(place), { recursive: true });
            writeFileSync(place, certificatesOf(ca).join(""));
          }
        : undefined,
  };
}

/** Whether the engine is one of this machine whose settings are this user's to write. */
const mayWrite = () =>
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  !process.env.DOCKER_HOST &&
  existsSync("/var/run/docker.sock");

/** Of an image that is not there: every answer of the registry will do. @param how its CA gets trusted. */
function problemOf(name: string, address: string, { stderr }: Result, how: string): string | undefined {
  const who = name.charAt(0).toUpperCase() + name.slice(1);
  if (/x509: certificate signed by unknown authority/.test(stderr))
    return `${who} does not trust the CA of the registry ${address}: ${how}.`;
  if (ANSWERED.test(stderr)) return undefined;
  const reason = /x509: [^\n]+/.exec(stderr)?.[0] ?? lastLine(stderr).replace(/^ERROR: /, "");
  return `${who} does not reach the registry ${address} (${reason}).`;
}

/** What builders and engines say of an image that a registry does not have, or does not show. */
const ANSWERED =
  /not found|manifest unknown|denied|unauthorized|authorization failed|no basic auth|insufficient_scope/i;
