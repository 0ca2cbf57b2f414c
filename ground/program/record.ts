import * as pulumi from "@pulumi/pulumi";
import * as state from "@pulumi/pulumi/runtime/state.js";
import type { Stack } from "./stack.ts";

/** One resource that the program asked for. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  /** What it was given; secrets in plain text. */
  readonly inputs: Record<string, unknown>;
  /** The inputs that are secret. */
  readonly secrets: readonly string[];
  /** The name of its parent; undefined for those at the top. */
  readonly parent: string | undefined;
  /** The names of the resources that its options say it depends on. */
  readonly dependsOn: readonly string[];
  /** Whether its provider keeps it when the program no longer asks for it. */
  readonly retained: boolean;
  /** Whether the engine refuses to delete it. */
  readonly protected: boolean;
  /** When hooks are called: `beforeCreate`, `beforeUpdate` … */
  readonly hooks: readonly string[];
}

/** What the program has said by `pulumi.log`. */
export interface Message {
  readonly severity: "info" | "warn";
  readonly text: string;
}

/** What the program did: its resources in the order of their registration, its outputs, and what it said. */
export interface Recording {
  readonly resources: readonly Registration[];
  readonly outputs: Record<string, unknown>;
  readonly messages: readonly Message[];
}

export interface RecordOptions {
  /** The URL of the program. Default: the catalog's. */
  readonly program?: string;
  /** The outputs of the stacks that the program refers to, by organization/project/stack. Default: they have none. */
  readonly stacks?: Readonly<Record<string, Record<string, unknown>>>;
}

type Runnable = Pick<Stack, "name" | "project" | "values">;

const REFERENCE = "pulumi:pulumi:StackReference";
const SECRET = "4dabf18193072939515e22adb298388d";
let runs = 0;

/** The digest that a recording gives to an image: by name, and plainly not a real one. */
export const recordedDigest = (resource: string): string => `sha256:recorded-${resource}`;

/**
 * Runs the whole program against Pulumi's mocks: nothing is built and no engine is needed.
 * @param password the registry's password; undefined for a stack that has none.
 * @throws whatever the program throws, such as a pulumi.RunError for its configuration.
 */
export async function record(
  stack: Runnable,
  password?: string,
  options: RecordOptions = {},
): Promise<Recording> {
  const messages: Message[] = [];
  const hear = (severity: Message["severity"]) => async (text: string) => {
    messages.push({ severity, text });
  };
  const { info, warn } = pulumi.log;
  // With no engine to take them, the SDK would print them.
  Object.assign(pulumi.log, { info: hear("info"), warn: hear("warn") });
  try {
    return { ...(await run(stack, password, options)), messages };
  } finally {
    Object.assign(pulumi.log, { info, warn });
  }
}

async function run(
  stack: Runnable,
  password: string | undefined,
  { program = new URL("../../index.ts", import.meta.url).href, stacks = {} }: RecordOptions,
): Promise<Omit<Recording, "messages">> {
  const resources: Registration[] = [];
  const given = new Map<string, typeof none>();
  const config = Object.entries({
    ...stack.values,
    ...(password === undefined ? {} : { registryPassword: password }),
  });
  pulumi.runtime.setAllConfig(
    Object.fromEntries(
      config.map(([key, value]) => [
        `${stack.project}:${key}`,
        typeof value === "object" ? JSON.stringify(value) : `${value}`,
      ]),
    ),
    [`${stack.project}:registryPassword`],
  );
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        const plain = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, reveal(value)]));
        const secrets = Object.keys(inputs).filter((key) => isSecret(inputs[key]));
        resources.push({ type, name, inputs: plain, secrets, ...(given.get(`${type} ${name}`) ?? none) });
        const made =
          type === REFERENCE ? { outputs: stacks[plain.name as string] ?? {} } : madeUp(type, name, plain);
        return { id: `${name}-id`, state: { ...inputs, ...made } };
      },
      call: ({ inputs }) => inputs,
    },
    stack.project,
    stack.name,
    // As at preview: the program must not wait for what nobody makes.
    true,
    // What backends call it that have none.
    "organization",
  );
  takeHooks();
  let failure: unknown;
  const outputs = await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation(({ type, name, opts }) => {
      const note: typeof none = {
        parent: nameOf(opts.parent),
        dependsOn: [],
        retained: opts.retainOnDelete === true,
        protected: opts.protect === true,
        hooks: Object.keys(opts.hooks ?? {}),
      };
      given.set(`${type} ${name}`, note);
      pulumi.output(opts.dependsOn).apply((resources) => {
        note.dependsOn.push(...[resources].flat().flatMap((resource) => nameOf(resource) ?? []));
      });
      return undefined;
    });
    // A query makes it another module: the program runs at each recording, not at the first alone.
    runs += 1;
    try {
      return { ...(await import(`${program}?run=${runs}`)) };
    } catch (error) {
      // Thrown from in here it would also reject promises of the SDK that nobody waits for.
      failure = error;
      return {};
    }
  });
  await pulumi.runtime.disconnect();
  if (failure) throw failure;
  return { resources, outputs: (await resolved(outputs)) as Record<string, unknown> };
}

/** Without an engine nobody calls hooks: the SDK, whose types leave its store out, is kept from starting a server for them. */
function takeHooks(): void {
  const done = async () => {};
  const callbacks = { registerResourceHook: done, registerErrorHook: done, awaitStackRegistrations: done };
  const { getStore } = state as unknown as { getStore: () => object };
  Object.assign(getStore(), { callbacks: { ...callbacks, shutdown: () => {} } });
}

const none = {
  parent: undefined as string | undefined,
  dependsOn: [] as string[],
  retained: false,
  protected: false,
  hooks: [] as string[],
};

/** What providers would answer. */
function madeUp(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  if (type === "docker-build:index:Image") {
    const digest = recordedDigest(name);
    return { digest, ref: `${(inputs.tags as string[])[0]}@${digest}` };
  }
  if (type === "docker-build:index:Index") return { ref: `${inputs.tag}@${recordedDigest(name)}` };
  if (type === "docker:index/remoteImage:RemoteImage") return { imageId: inputs.name };
  if (type === "docker:index/volume:Volume") return { name };
  return {};
}

/** A resource's name, out of its URN, which nothing else tells. */
function nameOf(resource: unknown): string | undefined {
  return (resource as { __name?: string } | undefined)?.__name;
}

function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && SECRET in value;
}

function reveal(value: unknown): unknown {
  if (!isSecret(value)) return value;
  const { value: inner } = value as { value: unknown };
  return typeof inner === "string" && /^[[{]/.test(inner) ? JSON.parse(inner) : inner;
}

function resolved(value: unknown): Promise<unknown> {
  return new Promise((resolve) => pulumi.output(value as object).apply(resolve));
}
