/** What a preview does not know yet. No policy complains about it: the update, which knows, asks again. */
export const UNKNOWN = Symbol("unknown");

/** A resource as policies see it. */
export interface Resource {
  /** Such as `docker-build:index:Image`. */
  readonly type: string;
  readonly name: string;
  /** What it was given, secrets in plain text; {@link UNKNOWN} may stand for any value in it. */
  readonly props: Readonly<Record<string, unknown>>;
  /** The type of the component that it is in. */
  readonly component: string | undefined;
  /** Whether its provider keeps it when it is dropped; undefined where nobody says so: Pulumi tells no policy pack. */
  readonly retained: boolean | undefined;
}

/** What a stack's configuration allows. */
export interface StackRules {
  /** The registry that it pushes to. */
  readonly registries: readonly string[];
  /** The addresses that its applications are published on. */
  readonly addresses: readonly string[];
}

/** Something that every resource of some types keeps to. */
export interface Policy {
  /** As `config.json` and messages have it. */
  readonly name: string;
  /** What holds, in a sentence. */
  readonly description: string;
  /** The types of the resources that it is about. */
  readonly types: readonly string[];
  /** The types of components whose resources it is not about. */
  readonly except?: readonly string[];
  /** What `config.json` can allow. */
  readonly allow?: {
    /** What the items of the list are. */
    readonly description: string;
    /** What is allowed where `config.json` has no list. */
    readonly unlessListed: (stack: StackRules) => readonly string[];
  };
  /** What is wrong with a resource, and how to mend it: parts of sentences that begin with its name. */
  readonly check: (resource: Resource, allowed: readonly string[]) => string[];
}

/** Whether a policy is about a resource. */
export function concerns({ types, except = [] }: Policy, { type, component }: Resource): boolean {
  return types.includes(type) && !(component !== undefined && except.includes(component));
}

/** What a policy allows in a stack. */
export const allowedBy = ({ allow }: Policy, listed: readonly string[] | undefined, stack: StackRules) =>
  listed ?? allow?.unlessListed(stack) ?? [];

/** Whether a value is known, with all that is in it: only then can something be said to be missing. */
export function isKnown(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value !== UNKNOWN;
  return Object.values(value).every(isKnown);
}

/** Whether a value is known, and is text. */
export const isText = (value: unknown): value is string => typeof value === "string";

/** The items of a value that is a list; none where it is not known. */
export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The members of a value that is an object; none where it is not known. */
export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
