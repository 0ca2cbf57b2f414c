import * as pulumi from "@pulumi/pulumi";
import { waitOut } from "./registryTrouble.ts";

/** Lets the engine try again what a registry's trouble has failed, in a plain `pulumi up` too. */
export function retryHooks(): pulumi.ResourceHookBinding {
  const hook = new pulumi.ErrorHook("registry-trouble", ({ name, errors }) =>
    waitOut(name, errors[0] ?? "", errors.length, (text) => pulumi.log.warn(text)),
  );
  return { onError: [hook] };
}
