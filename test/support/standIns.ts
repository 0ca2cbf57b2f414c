import { chooseStack } from "../../ground/commands/prepare.ts";
import { type Settings, Workspace } from "./workspace.ts";

// The program is the real one and so is the engine; only what the images do is little, so that each builds in a
// second. Each uses its build arguments and its files, as the real ones do.
const bases = "ARG BUILDER=scratch PARENT=scratch";
const dockerfiles = {
  "images/os/debian": `FROM base
ARG OS_ARCHIVE PACKAGES USER_NAME
RUN echo "$OS_ARCHIVE $PACKAGES $USER_NAME" >/os && printf '#!/bin/sh\\n' >/bin/curl && chmod 0755 /bin/curl
`,
  "images/pyenv": `ARG PARENT=scratch
FROM \${PARENT}
ARG PYENV_VERSION
COPY bin /pyenv-\${PYENV_VERSION}
`,
  "images/python": `ARG PARENT=scratch
FROM \${PARENT}
ARG PYTHON_VERSION
RUN echo "$PYTHON_VERSION" >/python
`,
  "images/python-slim": `${bases}
FROM \${BUILDER} AS build
FROM \${PARENT}
COPY --from=build /python /python
`,
  "images/framework": `${bases}
FROM \${BUILDER} AS build
COPY requirements.txt /built
FROM \${PARENT}
COPY --from=build /built /requirements.txt
`,
  "images/java": `ARG PARENT=scratch
FROM \${PARENT}
ARG JAVA_VERSION
RUN echo "$JAVA_VERSION" >/java
`,
  "images/flask-helloworld": application(),
  "images/django-hello": application(),
  "images/java-helloworld": application(),
};

/** An application that sleeps, answers nothing, and ends at once. */
function application(): string {
  return `${bases}
FROM scratch AS application
COPY app/ /
FROM \${BUILDER} AS build
COPY --from=application / /app/
FROM \${PARENT}
COPY --from=build /app/ /app/
STOPSIGNAL SIGKILL
CMD ["sleep", "infinity"]
`;
}

/** An application that answers. */
export const answering = `ARG PARENT=scratch
FROM \${PARENT}
COPY app/ /app/
STOPSIGNAL SIGKILL
CMD ["perl", "-MIO::Socket::INET", "-e", "\\
  my $server = IO::Socket::INET->new(LocalPort => 5000, Listen => 5, ReuseAddr => 1); \\
  while (my $client = $server->accept) { \\
    while (<$client>) { last if length() < 3 } \\
    print $client qq(HTTP/1.0 200 OK\\\\r\\\\n\\\\r\\\\nhere) \\
  }"]
`;

/** Of no Python the archive is asked for, and none has this checksum. */
export const python = (version: string) => ({ version, sha256: "0".repeat(64) });
export const pyenv = (version: string) => ({ version, source: { folder: "images/os/alpine" } });

/**
 * A workspace of stand-ins, on the base that this machine has.
 * @param more Dockerfiles by their folders, beside or in place of the usual ones.
 */
export async function makeStandIns(
  settings: Settings,
  more: Record<string, string> = {},
): Promise<Workspace> {
  const { name, config } = await chooseStack();
  const workspace = await Workspace.make(name, {
    systems: config.systems,
    pyenvs: [pyenv("2.5.4")],
    sources: {},
    ...settings,
  });
  for (const [folder, content] of Object.entries({ ...dockerfiles, ...more }))
    workspace.write(`${folder}/Dockerfile`, content);
  return workspace;
}
