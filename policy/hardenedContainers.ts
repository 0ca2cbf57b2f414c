import { isLoopback } from "../components/imageReference.ts";
import { isPinned } from "./images.ts";
import { isKnown, isText, itemsOf, membersOf, type Policy, type Resource } from "./policy.ts";

const types = ["docker:index/container:Container"];
/**
 * The registry of a laptop is a program of others: its image runs it as root, Docker puts its password file into it,
 * which a read-only root file system refuses, and what it needs of memory goes with what is pushed.
 */
const except = ["catalog:service:EmbeddedRegistry"];

/** A container has no right that it does not need. */
export const hardenedContainers: readonly Policy[] = [
  {
    name: "container-non-root",
    description: "Containers do not run as root.",
    types,
    except,
    check: ({ props: { user } }) =>
      isKnown(user) && /^(root|0+)?(:|$)/.test(`${user ?? ""}`)
        ? [`it runs as ${user || "whatever its image says"}; set \`user\` to another than root: "1000:1000"`]
        : [],
  },
  {
    name: "container-read-only",
    description: "Containers cannot write to their root file system.",
    types,
    except,
    check: ({ props: { readOnly } }) =>
      isKnown(readOnly) && readOnly !== true
        ? ["it can write to its root file system; set `readOnly: true`, and `tmpfs` for what must be written"]
        : [],
  },
  {
    name: "container-no-capabilities",
    description: "Containers have no capabilities.",
    types,
    allow: {
      description: "Capabilities that containers may add, such as NET_BIND_SERVICE.",
      unlessListed: () => [],
    },
    check: ({ props: { capabilities } }, allowed) => {
      const { drops, adds } = membersOf(capabilities);
      const kept = isKnown(capabilities) && !itemsOf(drops).includes("ALL");
      const added = itemsOf(adds).filter((name) => isText(name) && !allowed.includes(name));
      return [
        kept ? 'it keeps capabilities; set `capabilities: { drops: ["ALL"] }`' : [],
        added.map((name) => `it adds the capability ${name}; remove it, or allow it`),
      ].flat();
    },
  },
  {
    name: "container-no-privilege",
    description: "Containers are not privileged, gain no privileges and share nothing with the host.",
    types,
    check: privileges,
  },
  {
    name: "container-pinned",
    description: "Containers run digests, not tags.",
    types,
    except,
    check: ({ props: { image } }) =>
      isText(image) && !isPinned(image)
        ? [`its image ${image} is a tag, which may be something else tomorrow; give it the image's \`ref\``]
        : [],
  },
  {
    name: "container-loopback",
    description: "Containers publish ports on loopback, or on an allowed address.",
    types,
    allow: {
      description:
        "IPv4 addresses of this machine besides loopback. Default: those that the stack's applications name.",
      unlessListed: ({ addresses }) => addresses,
    },
    check: ports,
  },
  {
    name: "container-limits",
    // Of processes there is no limit: the provider has no input for it.
    description: "Containers have a limit of memory.",
    types,
    except,
    check: ({ props: { memory } }) =>
      isKnown(memory) && !memory
        ? ["it may take all memory; set `memory`, and `memorySwap` to the same"]
        : [],
  },
];

function privileges({ props }: Resource): string[] {
  const options = itemsOf(props.securityOpts).filter(isText);
  const mounted = [...itemsOf(props.volumes), ...itemsOf(props.mounts)].map(membersOf);
  return [
    props.privileged === true ? "it is privileged; remove `privileged`" : [],
    isKnown(props.securityOpts) && !options.some((option) => /^no-new-privileges([:=]true)?$/.test(option))
      ? 'it can gain privileges; set `securityOpts: ["no-new-privileges"]`'
      : [],
    options
      .filter((option) => /[:=](unconfined|disable)$/.test(option))
      .map((option) => `its security option ${option} takes a protection away; remove it`),
    (["networkMode", "pidMode", "ipcMode"] as const)
      .filter((mode) => props[mode] === "host")
      .map((mode) => `it shares the host's ${mode.replace("Mode", "")} namespace; remove \`${mode}\``),
    mounted
      .flatMap(({ hostPath, source }) => [hostPath, source])
      .filter((path) => isText(path) && path.endsWith("docker.sock"))
      .map((path) => `it has the engine's socket ${path}, and so the whole host; remove the mount`),
  ].flat();
}

function ports({ props }: Resource, allowed: readonly string[]): string[] {
  const open = itemsOf(props.ports)
    .filter(isKnown)
    .map(membersOf)
    .filter(({ ip }) => !isText(ip) || !(isLoopback(ip) || ip === "::1" || allowed.includes(ip)));
  return [
    props.publishAllPorts === true
      ? "it publishes all its ports on all addresses; remove `publishAllPorts`, list them in `ports`"
      : [],
    open.map(
      ({ external, ip }) =>
        `it publishes port ${String(external)} on ${ip || "all addresses"}; set its \`ip\` to 127.0.0.1, or allow the address`,
    ),
  ].flat();
}
