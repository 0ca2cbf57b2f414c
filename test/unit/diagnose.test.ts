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
  ["something nobody has seen", undefined],
];

for (const [text, sentence] of said) {
  test(`diagnosis: ${text.slice(0, 60)}`, () => {
    const cause = diagnose(`some lines before\n${text}\nand after`);
    if (sentence === undefined) assert.equal(cause, undefined);
    else assert.match(cause as string, sentence);
  });
}
