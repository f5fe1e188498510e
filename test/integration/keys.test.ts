import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { runProgram } from "../support/finished-process.ts";
import { asInstalled } from "../support/installed-runner.ts";
import { mayChangeAccount, service } from "../support/service-account.ts";

setDefaultTimeout(30_000);

const command = join(import.meta.dir, "../../scripts/keys/index.ts");

interface Key {
  readonly kid: string;
  readonly state: string;
  readonly [member: string]: unknown;
}

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

const file = () => folder.at("keys.json");
const keysOf = (): readonly Key[] => JSON.parse(readFileSync(file(), "utf8")).keys;
const kidOf = (state: string) => keysOf().find((key) => key.state === state)?.kid ?? "none";

async function keys(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = await runProgram([process.execPath, command, ...args], {
    cwd: folder.path,
    environment: { SESSION_KEYS_FILE: file(), ...environment },
  });
  expectNoSecrets(stdout + stderr);
  return { status, stdout, stderr: asInstalled(stderr) };
}

function expectNoSecrets(output: string): void {
  if (!existsSync(file())) return;
  for (const key of keysOf()) expect(output).not.toContain(String(key.d));
}

/** Moves the times of all keys into the past. */
function age(ms: number): void {
  const names = ["publishedAt", "activeAt", "retiredAt"];
  const older = keysOf().map((key) =>
    Object.fromEntries(
      Object.entries(key).map(([name, value]) =>
        names.includes(name) ? [name, new Date(Date.parse(String(value)) - ms).toISOString()] : [name, value],
      ),
    ),
  );
  writeFileSync(file(), JSON.stringify({ keys: older }));
}

describe("keys generate", () => {
  test.each(["ES256", "EdDSA", "RS256"])("makes an active and a next key for %s", async (SESSION_ALG) => {
    const { status, stdout } = await keys(["generate"], { SESSION_ALG });
    expect(status).toBe(0);
    expect(keysOf().map(({ alg, state }) => [alg, state])).toEqual([
      [SESSION_ALG, "active"],
      [SESSION_ALG, "next"],
    ]);
    for (const { kid } of keysOf()) expect(stdout).toContain(kid);
  });

  const ec = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const imports: readonly (readonly [string, string, () => KeyObject, "pkcs8" | "sec1" | "pkcs1"])[] = [
    ["PKCS#8", "ES256", ec, "pkcs8"],
    ["SEC1", "ES256", ec, "sec1"],
    ["PKCS#8", "EdDSA", () => generateKeyPairSync("ed25519").privateKey, "pkcs8"],
    ["PKCS#8", "RS256", rsa, "pkcs8"],
    ["PKCS#1", "RS256", rsa, "pkcs1"],
  ];
  test.each(imports)(
    "signs with a key from a PEM file: %s for %s",
    async (_form, SESSION_ALG, make, type) => {
      const key = make();
      writeFileSync(folder.at("key.pem"), key.export({ format: "pem", type }));
      expect(await keys(["generate", "--from", folder.at("key.pem")], { SESSION_ALG })).toMatchObject({
        status: 0,
      });
      const active = keysOf().find(({ state }) => state === "active");
      const { x, n } = createPublicKey(key).export({ format: "jwk" });
      expect([active?.x, active?.n]).toEqual([x, n]);
      expect(await keys(["list"], { SESSION_ALG })).toMatchObject({ status: 0 });
    },
  );

  test("takes what openssl writes, with its parameters before the key", async () => {
    const made = Bun.spawnSync([
      "openssl",
      "ecparam",
      "-name",
      "prime256v1",
      "-genkey",
      "-out",
      folder.at("key.pem"),
    ]);
    expect(made.exitCode).toBe(0);
    expect(readFileSync(folder.at("key.pem"), "utf8")).toContain("EC PARAMETERS");
    expect(await keys(["generate", "--from", folder.at("key.pem")])).toMatchObject({ status: 0 });
  });

  test("refuses a PEM file that cannot be used, says why, and makes no file", async () => {
    const encrypted = { cipher: "aes-256-cbc", passphrase: "x" };
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    const contents: readonly (readonly [string | Buffer, string])[] = [
      [rsa().export({ format: "pem", type: "pkcs8" }), "needs an EC key on the curve P-256"],
      [p384.export({ format: "pem", type: "pkcs8" }), "needs an EC key on the curve P-256"],
      [createPublicKey(ec()).export({ format: "pem", type: "spki" }), "holds no PEM private key"],
      [ec().export({ format: "pem", type: "pkcs8", ...encrypted }), "Remove its passphrase"],
      ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is damaged"],
    ];
    for (const [content, words] of contents) {
      writeFileSync(folder.at("key.pem"), content);
      const { status, stderr } = await keys(["generate", "--from", folder.at("key.pem")]);
      expect({ words, status, stderr }).toEqual({
        words,
        status: 78,
        stderr: expect.stringContaining(words),
      });
    }
    expect(existsSync(file())).toBe(false);
  });

  test("leaves a file that exists, to the byte", async () => {
    await keys(["generate"]);
    const before = readFileSync(file(), "utf8");
    expect(await keys(["generate"])).toMatchObject({ status: 1, stdout: "" });
    expect(readFileSync(file(), "utf8")).toBe(before);
  });
});

describe("keys rotate", () => {
  test("publishes a new next key at once, and says when the old one signs", async () => {
    await keys(["generate"]);
    const [active, next] = [kidOf("active"), kidOf("next")];
    const { status, stdout } = await keys(["rotate"], { JWKS_MAX_AGE_SECONDS: "300" });
    expect(status).toBe(0);
    const scheduled = keysOf().find(({ kid }) => kid === next);
    const waitMs = Date.parse(String(scheduled?.activeAt)) - Date.parse(String(scheduled?.publishedAt));
    expect(waitMs).toBe(305_000);
    expect(stdout).toMatch(new RegExp(`^${next} signs from \\d{4}-[^ ]+Z, when every verifier knows it`));
    expect(keysOf()).toHaveLength(3);
    expect(kidOf("active")).toBe(active);
    const again = await keys(["rotate"]);
    expect(again).toMatchObject({ status: 1, stdout: "" });
    expect(again.stderr).toMatch(/^The last rotation is under way: its key signs from \d{4}-/);
    expect(keysOf()).toHaveLength(3);
  });

  test("lets the next key sign at once that every verifier knows, and keeps the old one until its tokens expire", async () => {
    await keys(["generate"]);
    const [active, next] = [kidOf("active"), kidOf("next")];
    age(400_000);
    expect((await keys(["rotate"])).stdout).toContain(`${next} signs from now on.`);
    expect([kidOf("active"), kidOf("retired")]).toEqual([next, active]);
    expect((await keys(["list"])).stdout).toMatch(new RegExp(`${active} .* retired  verifies until \\d{4}-`));
    expect(await keys(["retire", active])).toMatchObject({ status: 1, stdout: "" });
    expect(await keys(["retire"])).toMatchObject({ status: 0, stdout: expect.stringContaining("and stays") });
    age(5_000_000);
    expect((await keys(["list"])).stdout).toContain("may go");
    expect((await keys(["retire"])).stdout).toContain(`${active} is removed`);
    expect(keysOf().map(({ kid }) => kid)).not.toContain(active);
  });

  test("--now removes a leaked key and signs with the next one at once", async () => {
    await keys(["generate"]);
    const [active, next] = [kidOf("active"), kidOf("next")];
    const { status, stdout } = await keys(["rotate", "--now"]);
    expect(status).toBe(0);
    expect(stdout).toContain(`${active} is removed.`);
    expect(stdout).toContain("may refuse its tokens until then");
    expect(kidOf("active")).toBe(next);
    expect(keysOf()).toHaveLength(2);
  });

  test("takes the id of a key that begins with a dash, and no option for one", async () => {
    await keys(["generate"]);
    const kid = `-${kidOf("next")?.slice(1)}`;
    for (const args of [
      ["retire", kid],
      ["retire", kid, "--now"],
      ["retire", "--", kid],
    ])
      expect(await keys(args)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("No key in the file"),
      });
    expect(await keys(["retire", "--soon"])).toMatchObject({ status: 2 });
    expect(keysOf()).toHaveLength(2);
  });

  test("loses no key when several commands run at once", async () => {
    await keys(["generate"]);
    const before = kidOf("next");
    const runs = await Promise.all(Array.from({ length: 4 }, () => keys(["retire", before])));
    expect(runs.map(({ status }) => status).toSorted()).toEqual([0, 1, 1, 1]);
    const rotations = await Promise.all(Array.from({ length: 4 }, () => keys(["rotate", "--now"])));
    expect(rotations.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(keysOf().map(({ state }) => state)).toEqual(["active", "next"]);
  });

  test("keeps the mode of the file, and a symbolic link to it", async () => {
    await keys(["generate"]);
    chmodSync(file(), 0o640);
    symlinkSync(file(), folder.at("link.json"));
    expect(await keys(["rotate", "--now"], { SESSION_KEYS_FILE: folder.at("link.json") })).toMatchObject({
      status: 0,
    });
    expect(statSync(file()).mode & 0o777).toBe(0o640);
    expect(lstatSync(folder.at("link.json")).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder.path).toSorted()).toEqual(["keys.json", "keys.json.lock", "link.json"]);
  });
});

describe.skipIf(!mayChangeAccount)("keys rotate as root", () => {
  test("leaves the file and its lock to the account that they belong to", async () => {
    await keys(["generate"]);
    chownSync(file(), service.uid, service.gid);
    expect(await keys(["rotate"])).toMatchObject({ status: 0 });
    for (const path of [file(), `${file()}.lock`]) {
      const { uid, gid, mode } = statSync(path);
      expect({ uid, gid, mode: mode & 0o777 }).toEqual({ ...service, mode: 0o600 });
    }
  });
});

describe("keys", () => {
  test("refuses a file of another algorithm than SESSION_ALG, with both ways out, and leaves it", async () => {
    await keys(["generate"]);
    const before = readFileSync(file(), "utf8");
    for (const action of ["list", "rotate", "retire"]) {
      expect(await keys([action], { SESSION_ALG: "RS256" })).toEqual({
        status: 78,
        stdout: "",
        stderr: `SESSION_KEYS_FILE: ${file()} holds a key for ES256, but SESSION_ALG is RS256. Set SESSION_ALG=ES256, or name a file for RS256 and make it with: bun run keys generate\n`,
      });
    }
    expect(readFileSync(file(), "utf8")).toBe(before);
  });

  test("has nothing to manage with HS256, and makes no file", async () => {
    const { status, stderr } = await keys(["generate"], { SESSION_ALG: "HS256" });
    expect(status).toBe(2);
    expect(stderr).toContain("SESSION_SECRET");
    expect(existsSync(file())).toBe(false);
  });

  test("removes a next key that has leaked and publishes another one, and never the key that signs", async () => {
    await keys(["generate"]);
    const next = kidOf("next");
    expect(await keys(["retire", kidOf("active")])).toMatchObject({ status: 1 });
    expect(await keys(["retire", next])).toMatchObject({ status: 0 });
    expect(kidOf("next")).not.toBe(next);
    expect(keysOf().map(({ state }) => state)).toEqual(["active", "next"]);
    expect(await keys(["retire", "unknown"])).toMatchObject({ status: 1 });
  });

  test("lists as JSON what a program needs, and says what it did", async () => {
    await keys(["generate"]);
    const listed = JSON.parse((await keys(["list", "--json"])).stdout);
    expect(listed.keys[0]).toEqual({
      kid: kidOf("active"),
      alg: "ES256",
      state: "active",
      signs: true,
      publishedAt: expect.any(String),
      activeAt: expect.any(String),
      retiredAt: null,
      removableAt: null,
    });
    const next = kidOf("next");
    expect(JSON.parse((await keys(["rotate", "--json"])).stdout)).toMatchObject({
      done: true,
      successor: next,
    });
  });

  test("refuses what would have no effect", async () => {
    for (const args of [
      [],
      ["make"],
      ["list", "x"],
      ["list", "--now"],
      ["rotate", "--from", "x"],
      ["retire", "--now"],
    ]) {
      expect({ args, status: (await keys(args)).status }).toEqual({ args, status: 2 });
    }
  });
});
