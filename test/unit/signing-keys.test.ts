import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { createSigningKeys, loadSigningKeys } from "../../src/sessions/signing-keys.ts";

interface KeyInFile {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly d: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: string;
  readonly state: string;
  readonly publishedAt?: string;
  readonly activeAt?: string;
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

describe("createSigningKeys", () => {
  test("makes an active and a next ES256 key in a file that only this account can read", async () => {
    using folder = temporaryFolder();
    const path = folder.at("session-keys.json");
    expect(await createSigningKeys(path)).toBe(true);
    expect(modeOf(path)).toBe(0o600);
    const key = {
      kty: "EC",
      crv: "P-256",
      x: expect.stringMatching(/^[\w-]{43}$/),
      y: expect.stringMatching(/^[\w-]{43}$/),
      d: expect.stringMatching(/^[\w-]{43}$/),
      kid: expect.stringMatching(/^[\w-]{43}$/),
      alg: "ES256",
      use: "sig",
      publishedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    };
    expect(readKeys(path)).toEqual([
      { ...key, state: "active", activeAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      { ...key, state: "next" },
    ]);
  });

  test("keeps the file private whatever the process's umask is", async () => {
    using folder = temporaryFolder();
    for (const umask of [0, 0o777]) {
      const path = folder.at(`keys-${umask}.json`);
      const before = process.umask(umask);
      try {
        await createSigningKeys(path);
      } finally {
        process.umask(before);
      }
      expect(modeOf(path)).toBe(0o600);
    }
  });

  test("names the key by its RFC 7638 thumbprint", async () => {
    using folder = temporaryFolder();
    await createSigningKeys(folder.at("keys.json"));
    const [key] = readKeys(folder.at("keys.json"));
    const members = `{"crv":"${key?.crv}","kty":"${key?.kty}","x":"${key?.x}","y":"${key?.y}"}`;
    expect(key?.kid).toBe(createHash("sha256").update(members).digest("base64url"));
  });

  test("makes the folders on the way", async () => {
    using folder = temporaryFolder();
    expect(await createSigningKeys(folder.at("a/b/keys.json"))).toBe(true);
    expect(modeOf(folder.at("a/b/keys.json"))).toBe(0o600);
  });

  test("leaves a file that exists as it is, to the byte", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at("keys.json"), "mine");
    expect(await createSigningKeys(folder.at("keys.json"))).toBe(false);
    expect(readFileSync(folder.at("keys.json"), "utf8")).toBe("mine");
  });

  test("ends with one key when many create it at once, and leaves no draft behind", async () => {
    using folder = temporaryFolder();
    const path = folder.at("keys.json");
    const created = await Promise.all(Array.from({ length: 8 }, () => createSigningKeys(path)));
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(readdirSync(folder.path)).toEqual(["keys.json"]);
    const loaded = await Promise.all([loadSigningKeys(path), loadSigningKeys(path)]);
    expect(loaded[0]?.active.kid).toBe(loaded[1]?.active.kid ?? "");
    expect(readKeys(path)).toHaveLength(2);
  });

  test("makes a different key each time", async () => {
    using folder = temporaryFolder();
    await createSigningKeys(folder.at("a"));
    await createSigningKeys(folder.at("b"));
    expect(readKeys(folder.at("a"))[0]?.d).not.toBe(readKeys(folder.at("b"))[0]?.d);
  });
});

describe("loadSigningKeys", () => {
  test("publishes the public members alone", async () => {
    using folder = temporaryFolder();
    await createSigningKeys(folder.at("keys.json"));
    const keys = readKeys(folder.at("keys.json"));
    const { active, publicKeys } = await loadSigningKeys(folder.at("keys.json"));
    expect(publicKeys.keys).toEqual(
      keys.map(({ kty, crv, x, y, kid, alg, use }) => ({ kty, crv, x, y, kid, alg, use })),
    );
    expect(active.kid).toBe(keys[0]?.kid ?? "");
    expect(active.algorithm).toBe("ES256");
    expect(active.privateKey.extractable).toBe(false);
  });

  test("publishes keys that do not sign yet or any more, and signs with the active one", async () => {
    using folder = temporaryFolder();
    const [next, active, retired] = await Promise.all(["next", "active", "retired"].map(makeKey));
    if (!next || !active || !retired) throw new Error("three keys");
    writeKeys(folder.at("keys.json"), [retired, next, active]);
    const loaded = await loadSigningKeys(folder.at("keys.json"));
    expect(loaded.active.kid).toBe(active.kid);
    expect(loaded.publicKeys.keys.map(({ kid }) => kid)).toEqual([retired.kid, next.kid, active.kid]);
    const published = JSON.stringify(loaded.publicKeys);
    for (const { d } of [next, active, retired]) expect(published).not.toContain(d);
  });

  test("takes back what every account may do with the file, says so, and leaves its group what it has", async () => {
    using folder = temporaryFolder();
    for (const [mode, left] of [
      [0o644, 0o640],
      [0o604, 0o600],
      [0o777, 0o770],
    ] as const) {
      const path = folder.at(`keys-${mode.toString(8)}.json`);
      await createSigningKeys(path);
      chmodSync(path, mode);
      expect((await loadSigningKeys(path)).privacy).toBe("narrowed");
      expect(modeOf(path)).toBe(left);
    }
  });

  test("leaves a file alone that a group was given", async () => {
    using folder = temporaryFolder();
    for (const mode of [0o640, 0o440, 0o660]) {
      const path = folder.at(`keys-${mode.toString(8)}.json`);
      await createSigningKeys(path);
      chmodSync(path, mode);
      expect((await loadSigningKeys(path)).privacy).toBe("private");
      expect(modeOf(path)).toBe(mode);
    }
  });

  test("leaves a mode that is narrower still as it is", async () => {
    using folder = temporaryFolder();
    const path = folder.at("keys.json");
    await createSigningKeys(path);
    chmodSync(path, 0o400);
    expect((await loadSigningKeys(path)).privacy).toBe("private");
    expect(modeOf(path)).toBe(0o400);
  });

  test("refuses a file that is missing, a folder, not JSON or not a key set, with what to do", async () => {
    using folder = temporaryFolder();
    const contents = { "not-json": "{", empty: "", null: "null", list: "[]", object: "{}" };
    const sets = { "no-keys": '{"keys":[]}', "keys-no-list": '{"keys":{}}' };
    const restore = /^SESSION_KEYS_FILE: .* Correct it, or restore it from a backup\.$/;
    for (const [name, content] of Object.entries({ ...contents, ...sets })) {
      writeFileSync(folder.at(name), content);
      expect({ name, problems: await problemsOf(folder.at(name)) }).toEqual({
        name,
        problems: [expect.stringMatching(restore)],
      });
    }
    mkdirSync(folder.at("folder"));
    expect(await problemsOf(folder.at("folder"))).toEqual([
      `SESSION_KEYS_FILE: this account cannot read ${folder.at("folder")}.`,
    ]);
    expect(await problemsOf(folder.at("missing"))).toEqual([
      `SESSION_KEYS_FILE: ${folder.at("missing")} does not exist. Make it with: bun run keys generate`,
    ]);
  });

  test("refuses a wrong key by its position, whatever its state is, and publishes none of the set", async () => {
    using folder = temporaryFolder();
    const [good, other, active] = await Promise.all(["next", "next", "active"].map(makeKey));
    if (!good || !other || !active) throw new Error("three keys");
    const { x: _x, ...withoutX } = good;
    const short = Buffer.from(good.x, "base64url").subarray(1).toString("base64url");
    const broken: Record<string, [key: unknown, words: string]> = {
      "no-state": [{ ...good, state: undefined }, '"state"'],
      "wrong-state": [{ ...good, state: "old" }, '"state" must be "next", "active" or "retired"'],
      "public-only": [{ ...good, d: undefined }, '"d" must be 32 bytes'],
      "no-kid": [{ ...good, kid: "" }, '"kid" must be its RFC 7638 thumbprint'],
      "kid-of-another": [{ ...good, kid: other.kid }, '"kid" must be its RFC 7638 thumbprint'],
      "other-algorithm": [{ ...good, alg: "none" }, '"alg"'],
      "other-curve": [{ ...good, crv: "P-384" }, '"crv"'],
      "other-use": [{ ...good, use: "enc" }, '"use"'],
      "other-type": [{ ...good, kty: "RSA" }, '"kty"'],
      "x-one-byte-short": [{ ...good, x: short }, '"x" must be 32 bytes'],
      "x-with-padding": [{ ...good, x: `${good.x}=` }, '"x" must be 32 bytes'],
      "no-x": [withoutX, '"x" must be 32 bytes'],
      "x-off-curve": [{ ...good, x: other.x }, "do not belong together"],
      "d-of-another": [{ ...good, d: other.d }, "do not belong together"],
      "d-not-base64": [{ ...good, d: "!".repeat(43) }, '"d" must be 32 bytes'],
      garbage: ["garbage", "is not a private key"],
      null: [null, "is not a private key"],
    };
    for (const [name, [key, words]] of Object.entries(broken)) {
      for (const state of ["next", "retired"]) {
        const inState =
          typeof key === "object" && key !== null && !/state/.test(name) ? { ...key, state } : key;
        writeFileSync(folder.at(name), JSON.stringify({ keys: [active, inState] }));
        const problems = await problemsOf(folder.at(name));
        expect({ name, problems }).toEqual({ name, problems: [expect.stringContaining(words)] });
        expect(problems[0]).toStartWith(`SESSION_KEYS_FILE: key 2 of 2 in ${folder.at(name)} `);
        for (const secret of [good.d, other.d, active.d]) expect(problems[0]).not.toContain(secret);
      }
    }
  });

  test("names every wrong key at once, and a key that is there twice", async () => {
    using folder = temporaryFolder();
    const [active, next] = await Promise.all([makeKey("active"), makeKey("next")]);
    const keys = [{ ...active, x: "" }, active, { ...next, y: "" }, { ...active, state: "retired" }];
    writeKeys(folder.at("keys"), keys);
    expect(await problemsOf(folder.at("keys"))).toEqual([
      expect.stringContaining("key 1 of 4 in"),
      expect.stringContaining("key 3 of 4 in"),
      `SESSION_KEYS_FILE: ${folder.at("keys")} holds the key with the kid ${active.kid} twice. Remove one.`,
    ]);
  });

  test("refuses a set in which not exactly one key is active", async () => {
    using folder = temporaryFolder();
    const active = await makeKey("active");
    writeKeys(folder.at("none"), [{ ...active, state: "retired" }]);
    writeKeys(folder.at("two"), [active, await makeKey("active")]);
    expect(await problemsOf(folder.at("none"))).toEqual([
      expect.stringMatching(/^SESSION_KEYS_FILE: .* 0 active/),
    ]);
    expect(await problemsOf(folder.at("two"))).toEqual([
      expect.stringMatching(/^SESSION_KEYS_FILE: .* 2 active/),
    ]);
  });

  test("refuses an active key that cannot sign, whose parts do not belong together", async () => {
    using folder = temporaryFolder();
    const [one, other] = await Promise.all([makeKey("active"), makeKey("active")]);
    const broken = {
      "d-too-short": { ...one, d: "AAAA" },
      "d-not-base64": { ...one, d: "!".repeat(43) },
      "x-off-curve": { ...one, x: other.x },
      "d-of-another": { ...one, d: other.d },
    };
    for (const [name, key] of Object.entries(broken)) {
      writeKeys(folder.at(name), [key]);
      expect({ name, problems: await problemsOf(folder.at(name)) }).toEqual({
        name,
        problems: [expect.stringMatching(/^SESSION_KEYS_FILE: /)],
      });
    }
  });

  test("never prints a key, broken or not", async () => {
    using folder = temporaryFolder();
    const key = await makeKey("active");
    const contents = [
      `{"keys":[{"d":"${key.d}"`,
      JSON.stringify({ keys: [{ ...key, alg: "x" }] }),
      `"${key.d}"`,
    ];
    for (const [index, content] of contents.entries()) {
      writeFileSync(folder.at(String(index)), content);
      const problems = await problemsOf(folder.at(String(index)));
      expect(problems).toHaveLength(1);
      expect(problems.join()).not.toContain(key.d);
    }
  });
});

async function makeKey(state: string): Promise<KeyInFile> {
  using folder = temporaryFolder();
  await createSigningKeys(folder.at("key"));
  const [key] = readKeys(folder.at("key"));
  if (key === undefined) throw new Error("no key was made");
  const { publishedAt: _published, activeAt: _active, ...undated } = key;
  return { ...undated, state };
}

function readKeys(path: string): readonly KeyInFile[] {
  const { keys }: { keys: KeyInFile[] } = JSON.parse(readFileSync(path, "utf8"));
  return keys;
}

function writeKeys(path: string, keys: readonly KeyInFile[]): void {
  writeFileSync(path, JSON.stringify({ keys }), { mode: 0o600 });
}

async function problemsOf(path: string): Promise<readonly string[]> {
  try {
    await loadSigningKeys(path);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  }
}
