import { describe, expect, test } from "bun:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createJwtIssuer } from "../../src/sessions/jwt-issuer.ts";
import type { KeyAlgorithm } from "../../src/sessions/key-algorithms.ts";
import { asActive, createKey } from "../../src/sessions/key-making.ts";
import { createKeyRing, createSecretKey, type SessionKeys } from "../../src/sessions/key-ring.ts";
import { replaceLeaked, rotate } from "../../src/sessions/key-states.ts";
import { createSigningKeys, keySetText, loadSigningKeys } from "../../src/sessions/signing-keys.ts";
import { createTokenVerifier } from "../../src/sessions/token-verifier.ts";

const nowMs = Date.now();
const maxAgeSeconds = 300;
const sol = { subject: "sol@testmail.com", loginIdDigest: null, claims: {}, sessionType: null };

function tokensOf(keys: SessionKeys) {
  const common = {
    keys,
    issuer: "ownid-sidecar",
    audience: "website",
    tokenType: "ownid-session+jwt",
    now: () => nowMs,
  };
  const ttlSecondsByType = { browser: null, mobile: null };
  const issuer = createJwtIssuer({ ...common, ttlSeconds: 3600, ttlSecondsByType, handoffTtlSeconds: 120 });
  const verify = createTokenVerifier({ ...common, lifetimeSeconds: { session: 3600, handoff: 120 } });
  return {
    issue: async () => (await issuer.issue(sol)).token,
    verify: (token: string) => verify(token, "session"),
  };
}

/** A ring over the keys of a real file, with a clock that the test sets. */
async function createRing() {
  const folder = temporaryFolder();
  const clock = { nowMs };
  const path = folder.at("keys.json");
  const first = [asActive(await createKey("ES256", nowMs), nowMs), await createKey("ES256", nowMs)];
  const write = async (keys: Parameters<typeof keySetText>[0]) => {
    await Bun.write(path, keySetText(keys));
    return loadSigningKeys(path);
  };
  const signers: string[] = [];
  const ring = createKeyRing(await write(first), {
    maxAgeSeconds,
    now: () => clock.nowMs,
    onSignerChange: (kid) => signers.push(kid),
  });
  const rotation = () => ({
    nowMs: clock.nowMs,
    maxAgeSeconds,
    createKey: () => createKey("ES256", clock.nowMs),
  });
  return {
    ring,
    clock,
    first,
    signers,
    rotation,
    replaceWith: async (keys: Parameters<typeof keySetText>[0]) => ring.replace(await write(keys)),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

describe("the signing keys of a running sidecar", () => {
  test("change at the instant that a rotation has set, without another look at the file", async () => {
    using site = await createRing();
    const { ring, clock, first } = site;
    await site.replaceWith(await rotate(first, site.rotation()));
    clock.nowMs = nowMs + 304_999;
    expect(ring.signer().kid).toBe(first[0]?.kid ?? "");
    clock.nowMs = nowMs + 305_000;
    expect(ring.signer().kid).toBe(first[1]?.kid ?? "");
    expect(ring.publicKeys().keys).toHaveLength(3);
  });

  test("are told of once, when another one begins to sign", async () => {
    using site = await createRing();
    const { ring, clock, first, signers } = site;
    ring.signer();
    await site.replaceWith(await rotate(first, site.rotation()));
    clock.nowMs = nowMs + 304_999;
    ring.reportSigner();
    expect(signers).toEqual([]);
    clock.nowMs = nowMs + 305_000;
    ring.reportSigner();
    ring.signer();
    expect(signers).toEqual([first[1]?.kid ?? ""]);
  });

  test("do not sign with a key that has come late before verifiers here know it", async () => {
    using site = await createRing();
    const { ring, clock, first } = site;
    const [active] = first;
    if (active === undefined) throw new Error("no key");
    const late = { ...(await createKey("ES256", nowMs)), activeAt: new Date(nowMs + 1).toISOString() };
    clock.nowMs = nowMs + 60_000;
    await site.replaceWith([active, late]);
    expect(ring.signer().kid).toBe(active.kid);
    clock.nowMs = nowMs + 60_000 + maxAgeSeconds * 1000;
    expect(ring.signer().kid).toBe(late.kid);
  });

  test("sign with the next key at once when the one that signed is removed", async () => {
    using site = await createRing();
    const { ring, first } = site;
    const { issue, verify } = tokensOf(ring);
    const leaked = await issue();
    expect(await verify(leaked)).not.toBeNull();
    await site.replaceWith(await replaceLeaked(first, site.rotation()));
    expect(ring.signer().kid).toBe(first[1]?.kid ?? "");
    expect(await verify(leaked)).toBeNull();
    expect(await verify(await issue())).not.toBeNull();
  });

  test("verify what a key signed before it was retired", async () => {
    using site = await createRing();
    const { issue, verify } = tokensOf(site.ring);
    const before = await issue();
    await site.replaceWith(await rotate(site.first, site.rotation()));
    site.clock.nowMs = nowMs + 305_000;
    const after = await issue();
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid ?? "");
    expect(await verify(before)).not.toBeNull();
    expect(await verify(after)).not.toBeNull();
  });
});

describe("SESSION_ALG", () => {
  async function keysFor(algorithm: KeyAlgorithm): Promise<SessionKeys> {
    using folder = temporaryFolder();
    await createSigningKeys(folder.at("keys.json"), algorithm);
    return createKeyRing(await loadSigningKeys(folder.at("keys.json"), algorithm), {
      maxAgeSeconds,
      now: () => nowMs,
    });
  }
  const secret = new TextEncoder().encode("a session secret of 32 bytes or more");
  const sources: Readonly<Record<string, () => Promise<SessionKeys>>> = {
    ES256: () => keysFor("ES256"),
    EdDSA: () => keysFor("EdDSA"),
    RS256: () => keysFor("RS256"),
    HS256: async () => createSecretKey(secret),
  };

  test.each(Object.keys(sources))("%s signs tokens that this algorithm alone verifies", async (algorithm) => {
    const keys = await sources[algorithm]?.();
    if (keys === undefined) throw new Error("no keys");
    const token = await tokensOf(keys).issue();
    expect(decodeProtectedHeader(token).alg).toBe(algorithm);
    for (const [other, source] of Object.entries(sources)) {
      const verifier = other === algorithm ? keys : await source();
      const isValid = (await tokensOf(verifier).verify(token)) !== null;
      expect({ other, isValid }).toEqual({ other, isValid: other === algorithm });
    }
  });

  test.each(["ES256", "EdDSA", "RS256"] as const)(
    "%s publishes the public members alone",
    async (algorithm) => {
      const members = { ES256: ["crv", "x", "y"], EdDSA: ["crv", "x"], RS256: ["e", "n"] }[algorithm];
      const { keys: published } = (await keysFor(algorithm)).publicKeys();
      expect(published).toHaveLength(2);
      for (const key of published)
        expect(Object.keys(key).toSorted()).toEqual(["alg", ...members, "kid", "kty", "use"].toSorted());
    },
  );

  test("HS256 publishes no key, names none, and another library verifies with the text of the secret", async () => {
    const keys = createSecretKey(secret);
    const token = await tokensOf(keys).issue();
    expect(keys.publicKeys()).toEqual({ keys: [] });
    expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256", typ: "ownid-session+jwt" });
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ["HS256"],
      currentDate: new Date(nowMs),
    });
    expect(payload.sub).toBe(sol.subject);
  });
});
