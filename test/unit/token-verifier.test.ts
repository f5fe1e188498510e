import { beforeAll, describe, expect, test } from "bun:test";
import { exportJWK, generateKeyPair } from "jose";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createKeyRing } from "../../src/sessions/key-ring.ts";
import { createSigningKeys, loadSigningKeys, type SigningKeys } from "../../src/sessions/signing-keys.ts";
import { createTokenVerifier, type TokenVerifierOptions } from "../../src/sessions/token-verifier.ts";
import { badTokens, createForger, type Forger } from "../support/session-tokens.ts";

const nowSeconds = 2_000_000_000;

let keys: SigningKeys;
let forger: Forger;
beforeAll(async () => {
  using folder = temporaryFolder();
  await createSigningKeys(folder.at("keys.json"));
  keys = await loadSigningKeys(folder.at("keys.json"));
  forger = createForger(keys, () => nowSeconds);
});

function verifierWith(changes: Partial<TokenVerifierOptions> = {}) {
  return createTokenVerifier({
    keys: ringOf(keys),
    issuer: "ownid-sidecar",
    audience: "website",
    tokenType: "ownid-session+jwt",
    lifetimeSeconds: { session: 3600, handoff: 120 },
    now: () => nowSeconds * 1000,
    ...changes,
  });
}

describe.each(["session", "handoff"] as const)("a %s token", (kind) => {
  test("is valid with the claims that it carries", async () => {
    const claims = await verifierWith()(await forger.sign(kind, { claims: { jti: "1", sid: "2" } }), kind);
    expect(claims).toMatchObject({ sub: "sol@testmail.com", jti: "1", sid: "2" });
  });

  test.each(Object.entries(badTokens))("is invalid with %s", async (_what, forge) => {
    expect(await verifierWith()(await forge(forger, kind), kind)).toBeNull();
  });

  test("does not pass for the other kind", async () => {
    const other = kind === "session" ? "handoff" : "session";
    expect(await verifierWith()(await forger.sign(kind), other)).toBeNull();
  });

  test("is valid from its beginning to its end, to the second", async () => {
    const token = await forger.sign(kind, { claims: { nbf: nowSeconds - 5, exp: nowSeconds + 60 } });
    const isValidAt = async (seconds: number) =>
      (await verifierWith({ now: () => seconds * 1000 })(token, kind)) !== null;
    expect(await isValidAt(nowSeconds - 6)).toBe(false);
    expect(await isValidAt(nowSeconds - 5)).toBe(true);
    expect(await isValidAt(nowSeconds + 59.9)).toBe(true);
    expect(await isValidAt(nowSeconds + 60)).toBe(false);
  });

  test("ends with the longest lifetime that is configured now, whatever it carries", async () => {
    const token = await forger.sign(kind, { claims: { iat: nowSeconds - 5, exp: nowSeconds + 7200 } });
    const lifetimeSeconds = { session: 60, handoff: 60 };
    const isValidAt = async (seconds: number) =>
      (await verifierWith({ lifetimeSeconds, now: () => seconds * 1000 })(token, kind)) !== null;
    expect(await isValidAt(nowSeconds + 59.9)).toBe(true);
    expect(await isValidAt(nowSeconds + 60)).toBe(false);
  });
});

test("a token of another algorithm is invalid even if the key set has a key for it", async () => {
  const rsa = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(rsa.publicKey)), kid: "rsa", alg: "RS256", use: "sig" };
  const both = { ...keys, publicKeys: { keys: [...keys.publicKeys.keys, jwk] } };
  const token = await forger.sign("session", { header: { alg: "RS256", kid: "rsa" } }, rsa.privateKey);
  expect(await verifierWith({ keys: ringOf(both) })(token, "session")).toBeNull();
});

function ringOf(keysOfFile: SigningKeys) {
  return createKeyRing(keysOfFile, { maxAgeSeconds: 300, now: () => nowSeconds * 1000 });
}
