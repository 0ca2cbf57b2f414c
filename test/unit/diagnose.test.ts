import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "../../ground/tools/diagnose.ts";

// What the tools really print, shortened.
const said: [string, RegExp | undefined][] = [
  ["error: failed to solve: failed to copy: write /var/lib/x: no space left on device", /^The disk is full/],
  [
    "digest mismatch sha256:aa: sha256:bb",
    /^A source is not what its checksum says: digest mismatch sha256:aa: sha256:bb\.$/,
  ],
  [
    "failed to push localhost:5001/catalog/debian:13: unexpected status from HEAD request: 401 Unauthorized",
    /^The registry refuses the login/,
  ],
  [
    "creating: unexpected status from HEAD request to https://registry.example.com/v2/catalog/flask/manifests/sha256:aa: 401 Unauthorized",
    /^The registry registry\.example\.com refuses the login: .* `docker login registry\.example\.com`\?$/,
  ],
  [
    "failed to push r.example.com/a/flask:1: unexpected status from POST request to https://r.example.com/v2/a/flask/blobs/uploads/: 403 Forbidden",
    /^The registry r\.example\.com refuses a\/flask to this login \(403\): give it the right to push there\.$/,
  ],
  ["failed to push r.example.com/a/flask:1: unknown: blob upload invalid", /: is its disk full\?$/],
  [
    'error: Preview failed: unknown stack "organization/catalog/dev"',
    /^There is no stack dev, whose images are to be promoted: `npm run up -- --stack dev` makes it\.$/,
  ],
  ["Bind for 127.0.0.1:5000 failed: port is already allocated", /^A port that the stack publishes is in use/],
  [
    "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es)",
    /^Another update of this stack is running/,
  ],
  [
    "<{%reset%}>localhost:5000/a/flask:3.1.3-debian13 is published, and what goes into it changes: give x, or set y.<{%reset%}>",
    /^localhost:5000\/a\/flask:3\.1\.3-debian13 is published, and what .*, or set y\.$/,
  ],
  [
    "failed to push r.example.com:5000/a/flask:1: unexpected status from POST request to https://r.example.com:5000/v2/a/flask/blobs/uploads/?mount=sha256:aa&from=a/b: 429 Too Many Requests",
    /^The registry r\.example\.com:5000 answers 429\.$/,
  ],
  [
    'failed to solve: failed to push r.example.com/a/flask:1: failed to do request: Post "https://r.example.com/v2/a/flask/blobs/uploads/": EOF',
    /^The registry r\.example\.com does not answer \(it breaks off\)\.$/,
  ],
  [
    'Error response from daemon: Get "https://r.example.com/v2/": dial tcp 192.0.2.1:443: connect: connection refused',
    /^The registry r\.example\.com does not answer \(connection refused\)\.$/,
  ],
  ['error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.41/info": EOF', undefined],
  [
    "error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
    /^The builder has ended in the middle of it: /,
  ],
  [
    "failed to solve: Unavailable: error reading from server: EOF",
    /^The builder has ended in the middle of it: /,
  ],
  [
    "error: docker native provider returned an unexpected error from Configure: failed to connect to any docker daemon",
    /^Docker's engine does not answer: /,
  ],
  ["something nobody has seen", undefined],
];

for (const [text, sentence] of said) {
  test(`diagnosis: ${text.slice(0, 60)}`, () => {
    const cause = diagnose(`some lines before\n${text}\nand after`);
    if (sentence === undefined) assert.equal(cause, undefined);
    else assert.match(cause as string, sentence);
  });
}
