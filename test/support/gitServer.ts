import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must } from "../../ground/tools/exec.ts";

/** A git repository with one commit, served over HTTP on loopback. */
export interface GitServer {
  readonly url: string;
  readonly commit: string;
  stop(): void;
}

/** Serves files, given by path, as a repository. */
export async function serveGit(files: Record<string, string>): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), "image-catalog-git-"));
  const repository = join(root, "repository.git");
  const git = (...args: string[]) => must("git", ["-C", repository, ...args]);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), content);
  }
  await git("init", "--quiet");
  await git("add", "--all");
  await git(
    "-c",
    "user.name=test",
    "-c",
    "user.email=test@example.com",
    "commit",
    "--quiet",
    "--message",
    "All",
  );
  const commit = (await git("rev-parse", "HEAD")).stdout.trim();
  // BuildKit asks for the commit itself and not for a branch.
  await git("config", "uploadpack.allowAnySHA1InWant", "true");

  const server = createServer((request, response) => backend(root, request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/repository.git`,
    commit,
    stop: () => {
      server.close();
      rmSync(root, { recursive: true });
    },
  };
}

/** Git's own server, a CGI program: https://git-scm.com/docs/git-http-backend. */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const git = spawn("git", ["http-backend"], {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname.replace("/repository.git", "/repository.git/.git"),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers["content-type"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      GIT_PROTOCOL: request.headers["git-protocol"] as string | undefined,
    },
  });
  request.pipe(git.stdin);
  const chunks: Buffer[] = [];
  git.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  git.on("close", () => {
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf("\r\n\r\n");
    const headers = answer.subarray(0, end).toString().split("\r\n");
    const pairs = headers.map((header) => header.split(": ", 2) as [string, string]);
    const status = Number(pairs.find(([name]) => name === "Status")?.[1].split(" ")[0] ?? 200);
    response.writeHead(status, Object.fromEntries(pairs)).end(answer.subarray(end + 4));
  });
}
