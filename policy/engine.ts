import {
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  UnknownValueError,
} from "@pulumi/policy";
import { Config } from "@pulumi/pulumi";
import { type Config as Settings, settings } from "../components/settings.ts";
import { allowedBy, concerns, type Policy, type Resource, type StackRules, UNKNOWN } from "./policy.ts";

/** A policy as Pulumi's engine asks it. */
export function enginePolicy(policy: Policy): ResourceValidationPolicy {
  const { name, description, allow } = policy;
  return {
    name,
    description,
    ...(allow
      ? {
          configSchema: {
            properties: {
              allow: { type: "array", items: { type: "string" }, description: allow.description },
            },
          },
        }
      : {}),
    validateResource: (args, reportViolation) => {
      const resource = resourceOf(args);
      if (!concerns(policy, resource)) return;
      const { allow: listed } = args.getConfig<{ allow?: string[] }>();
      for (const violation of policy.check(resource, allowedBy(policy, listed, stackRules())))
        reportViolation(violation);
    },
  };
}

/** A resource out of what the engine tells a policy pack, which is not whether it is retained. */
export function resourceOf({
  type,
  name,
  urn,
  props,
}: Pick<ResourceValidationArgs, "type" | "name" | "urn" | "props">): Resource {
  // urn:pulumi:<stack>::<project>::<types, the outermost first>::<name>
  const component = urn.split("::")[2]?.split("$").at(-2);
  return { type, name, component, retained: undefined, props: settled(props) as Resource["props"] };
}

/** A value without the proxies that throw where a preview does not know what is inside. */
function settled(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value.keys(), (i) => settledIn(value, i));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.keys(value).map((key) => [key, settledIn(value, key)]));
}

function settledIn(value: object, key: PropertyKey): unknown {
  try {
    return settled(Reflect.get(value, key));
  } catch (error) {
    if (error instanceof UnknownValueError) return UNKNOWN;
    throw error;
  }
}

/** What the running stack's configuration allows; nothing where it is not valid, which the program says better. */
function stackRules(): StackRules {
  const config = new Config();
  const valid = (name: string) => settings[name]?.safeParse(config.getObject(name)).data;
  const registry = valid("registry") as Settings["registry"] | undefined;
  const applications = (valid("applications") ?? []) as Settings["applications"];
  return {
    registries: registry ? [registry.address] : [],
    addresses: applications.map(({ address }) => address),
  };
}
