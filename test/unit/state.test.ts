import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { getCACertificates } from "node:tls";
import { readStack } from "../../ground/program/stack.ts";
import { chooseBackend, ensureState, writeEnv } from "../../ground/program/state.ts";
import { COMPILED } from "../../ground/tools/compiled.ts";
import { makeCertificates } from "../support/certificates.ts";

const project = process.cwd();
const environment = { ...process.env };
const { config } = readStack("dev");
const pulumi = { command: "/opt/pulumi/bin/pulumi" };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "image-catalog-test-"));
  process.chdir(folder);
  for (const key of Object.keys(process.env)) if (key.startsWith("PULUMI_")) delete process.env[key];
  process.env.PULUMI_HOME = join(folder, "home");
});
afterEach(() => {
  process.chdir(project);
  process.env = { ...environment };
  rmSync(folder, { recursive: true });
});

test("without a login: a folder of the checkout, and a passphrase that only the user can read and that stays", () => {
  const { env } = ensureState();
  const here = process.cwd();
  assert.equal(env.PULUMI_BACKEND_URL, `file://${here}/.catalog/state`);
  assert.equal(env.PULUMI_CONFIG_PASSPHRASE_FILE, `${here}/.catalog/passphrase`);
  assert.equal(statSync(".catalog/passphrase").mode & 0o777, 0o600);
  assert.ok(existsSync(".catalog/state"));
  const passphrase = readFileSync(".catalog/passphrase", "utf8");
  assert.ok(passphrase.trim().length >= 32);
  ensureState();
  assert.equal(readFileSync(".catalog/passphrase", "utf8"), passphrase);
});

test("a shell finds the same by .catalog/env, and builds as many images at once", () => {
  const state = ensureState();
  const envOf = (parallel: number) => {
    writeEnv(pulumi, state, { name: "dev", config: { ...config, parallel } });
    return readFileSync(".catalog/env", "utf8");
  };
  const file = envOf(3);
  const all = {
    ...state.env,
    NODE_COMPILE_CACHE: COMPILED,
    PULUMI_CONTINUE_ON_ERROR: "true",
    PULUMI_PARALLEL: "3",
  };
  for (const [key, value] of Object.entries(all)) assert.ok(file.includes(`export ${key}='${value}'\n`), key);
  assert.doesNotMatch(envOf(0), /PULUMI_PARALLEL/);
  assert.match(file, /^export PATH=".*\/node_modules\/\.bin:\/opt\/pulumi\/bin:\$PATH"$/m);
});

test("a shell that has read .catalog/env writes the same again", () => {
  const written = () => {
    const state = ensureState();
    writeEnv(pulumi, state, { name: "dev", config });
    return { ...state, file: readFileSync(".catalog/env", "utf8") };
  };
  const first = written();
  Object.assign(process.env, first.env);
  assert.deepEqual(written(), first);
});

test("a shell asks the policies of a stack that others share", () => {
  const envOf = (embedded: boolean) => {
    const registry = { ...config.registry, embedded };
    writeEnv(pulumi, ensureState(), { name: "dev", config: { ...config, registry } });
    return readFileSync(".catalog/env", "utf8");
  };
  const here = process.cwd();
  assert.ok(envOf(false).includes(`export PULUMI_OPTION_POLICY_PACK='${here}/policy'\n`));
  assert.ok(envOf(false).includes(`export PULUMI_OPTION_POLICY_PACK_CONFIG='${here}/policy/config.json'\n`));
  assert.doesNotMatch(envOf(true), /POLICY/);
});

test("a shell trusts the CA of the stack's registry besides the system's", async () => {
  const { ca, remove } = await makeCertificates();
  const registry = { ...config.registry, embedded: false, ca };
  writeEnv(pulumi, ensureState(), { name: "platform", config: { ...config, registry } });
  const file = join(process.cwd(), ".catalog/ca-platform.pem");
  assert.ok(readFileSync(".catalog/env", "utf8").includes(`export SSL_CERT_FILE='${file}'\n`));
  const bundle = readFileSync(file, "utf8");
  for (const certificate of [...getCACertificates("system"), readFileSync(ca, "utf8")])
    assert.ok(bundle.includes(certificate.trim()));
  remove();
});

test("a login is respected, by environment or by file", () => {
  process.env.PULUMI_BACKEND_URL = "s3://bucket";
  assert.equal(chooseBackend().url, undefined);
  assert.equal(ensureState().env.PULUMI_BACKEND_URL, undefined);
  assert.ok(!existsSync(".catalog/passphrase"));

  delete process.env.PULUMI_BACKEND_URL;
  mkdirSync("home");
  writeFileSync("home/credentials.json", JSON.stringify({ current: "https://api.example.com" }));
  assert.equal(chooseBackend().url, undefined);
});

test("a passphrase of the user's own is respected", () => {
  process.env.PULUMI_CONFIG_PASSPHRASE = "";
  assert.equal(ensureState().env.PULUMI_CONFIG_PASSPHRASE_FILE, undefined);
  assert.ok(!existsSync(".catalog/passphrase"));
});
