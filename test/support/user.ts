import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Starts a process that uses engine and builder, as another run does, until it is killed. */
export async function startUser(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const module = JSON.stringify(new URL("../../ground/machine/users.ts", import.meta.url).href);
  const code = `const { use } = await import(${module}); use(); use(); console.log(); setTimeout(() => {}, 1e6)`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { env });
  await once(child.stdout, "data");
  return child;
}

/** Ends it as nothing can that is asked to. */
export async function killUser(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}
