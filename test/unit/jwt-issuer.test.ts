import { beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey, type JsonWebKeyInput } from "node:crypto";
import jwt from "jsonwebtoken";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createJwtIssuer, type JwtIssuerOptions } from "../../src/sessions/jwt-issuer.ts";
import { createKeyRing } from "../../src/sessions/key-ring.ts";
import type { NewToken, TokenSubject } from "../../src/sessions/session-issuer.ts";
import { createSigningKeys, loadSigningKeys, type SigningKeys } from "../../src/sessions/signing-keys.ts";

const issuedAt = 2_000_000_000;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let keys: SigningKeys;
beforeAll(async () => {
  keys = await makeKeys();
});

const sol: TokenSubject = {
  subject: "sol@testmail.com",
  loginIdDigest: null,
  claims: {},
  sessionType: null,
};

function issuerWith(options: Partial<JwtIssuerOptions> = {}) {
  return createJwtIssuer({
    keys: ringOf(keys),
    issuer: "ownid-sidecar",
    audience: "website",
    tokenType: "ownid-session+jwt",
    ttlSeconds: 3600,
    ttlSecondsByType: { browser: null, mobile: null },
    handoffTtlSeconds: 120,
    now: () => issuedAt * 1000 + 999,
    ...options,
  });
}

describe("a session token", () => {
  test("carries the claims that the interface names and no others", async () => {
    expect(payloadOf(await issuerWith().issue(sol))).toEqual({
      iss: "ownid-sidecar",
      aud: "website",
      sub: "sol@testmail.com",
      iat: issuedAt - 5,
      nbf: issuedAt - 5,
      exp: issuedAt + 3600,
      jti: expect.stringMatching(uuid),
      sid: expect.stringMatching(uuid),
    });
  });

  test("says for which kind of session it is when OwnID did", async () => {
    for (const sessionType of ["browser", "mobile"] as const) {
      const payload = payloadOf(await issuerWith().issue({ ...sol, sessionType }));
      expect(payload.session_type).toBe(sessionType);
    }
  });

  test("names its algorithm, its key and its type in the header, and nothing else", async () => {
    const { token } = await issuerWith().issue(sol);
    const [header = ""] = token.split(".");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({
      alg: "ES256",
      kid: keys.active.kid,
      typ: "ownid-session+jwt",
    });
  });

  test("has the configured type, which changes nothing about the hand-off token", async () => {
    const issuer = issuerWith({ tokenType: "JWT" });
    const typeOf = ({ token }: NewToken) => jwt.decode(token, { complete: true })?.header.typ;
    expect(typeOf(await issuer.issue(sol))).toBe("JWT");
    expect(typeOf(await issuer.issue(sol, { kind: "handoff" }))).toBe("ownid-handoff+jwt");
  });

  test("lives as long as its kind does", async () => {
    const issuer = issuerWith({ ttlSecondsByType: { browser: 60, mobile: null }, ttlSeconds: 7 });
    const lifetimeOf = async (sessionType: TokenSubject["sessionType"]) => {
      const { exp = 0 } = payloadOf(await issuer.issue({ ...sol, sessionType }));
      return exp - issuedAt;
    };
    expect(await lifetimeOf("browser")).toBe(60);
    expect(await lifetimeOf("mobile")).toBe(7);
    expect(await lifetimeOf(null)).toBe(7);
  });

  test("is dated after the last revocation of its user, whose second its iat has to pass", async () => {
    const datesOf = async (revokedUntil: number) => {
      const { iat, nbf, exp } = payloadOf(await issuerWith().issue(sol, { revokedUntil }));
      return [iat, nbf, exp].map((time) => (time ?? 0) - issuedAt);
    };
    expect(await datesOf(issuedAt - 6)).toEqual([-5, -5, 3600]);
    expect(await datesOf(issuedAt - 5)).toEqual([-4, -5, 3600]);
    expect(await datesOf(issuedAt)).toEqual([1, -5, 3600]);
  });

  test("is dated from the instant as of which its subject is right, not from that of signing", async () => {
    const { iat, exp } = payloadOf(await issuerWith().issue(sol, { asOfMs: (issuedAt - 3) * 1000 }));
    expect([iat, exp]).toEqual([issuedAt - 8, issuedAt + 3597]);
  });

  test("belongs to the session that it is issued for", async () => {
    const issued = await issuerWith().issue(sol, { sid: "the session" });
    expect([issued.sid, payloadOf(issued).sid]).toEqual(["the session", "the session"]);
  });

  test("of a hand-off has a type and a lifetime of its own, whatever the session type", async () => {
    const issuer = issuerWith({ ttlSecondsByType: { browser: 60, mobile: null } });
    const issued = await issuer.issue({ ...sol, sessionType: "browser" }, { kind: "handoff" });
    expect(jwt.decode(issued.token, { complete: true })?.header.typ).toBe("ownid-handoff+jwt");
    expect(payloadOf(issued)).toMatchObject({ exp: issuedAt + 120, session_type: "browser" });
  });

  test("is the bearer of the configured issuer and audience", async () => {
    const payload = payloadOf(await issuerWith({ issuer: "https://a", audience: "b" }).issue(sol));
    expect([payload.iss, payload.aud]).toEqual(["https://a", "b"]);
  });

  test("has a jti and a sid of its own each time", async () => {
    const issuer = issuerWith();
    const issued = await Promise.all(Array.from({ length: 50 }, () => issuer.issue(sol)));
    const payloads = issued.map(payloadOf);
    expect(payloads.map(({ sid }) => sid)).toEqual(issued.map(({ sid }) => sid));
    expect(new Set(payloads.flatMap(({ jti, sid }) => [jti, sid])).size).toBe(100);
  });

  test("keeps the login id as the user table spells it", async () => {
    for (const loginId of ["Zo\u00eb@ex\u00e4mple.com", "😀\u2028", '"}{', " a "]) {
      expect(payloadOf(await issuerWith().issue({ ...sol, subject: loginId })).sub).toBe(loginId);
    }
  });

  test("takes the time from the clock it was given, anew for each token", async () => {
    let nowMs = 1_000_000_000_000;
    const issuer = issuerWith({ now: () => nowMs });
    expect(payloadOf(await issuer.issue(sol)).exp).toBe(1_000_003_600);
    nowMs += 1500;
    expect(payloadOf(await issuer.issue(sol)).exp).toBe(1_000_003_601);
  });
});

describe("a library that is not jose", () => {
  test("verifies the token with the key that the JWKS publishes under its kid", async () => {
    const { token } = await issuerWith().issue({ ...sol, sessionType: "browser" });
    expect(verify(token)).toMatchObject({ sub: "sol@testmail.com", session_type: "browser" });
  });

  test("accepts a fresh token though its clock is some seconds behind", async () => {
    const { token } = await issuerWith().issue(sol);
    for (const secondsBehind of [1, 5]) {
      expect(verify(token, { clockTimestamp: issuedAt - secondsBehind })).toMatchObject({ sub: sol.subject });
    }
  });

  test("refuses it after its end and before its beginning", async () => {
    const { token } = await issuerWith().issue(sol);
    expect(verify(token, { clockTimestamp: issuedAt + 3599 })).toMatchObject({ sub: sol.subject });
    expect(() => verify(token, { clockTimestamp: issuedAt + 3600 })).toThrow("jwt expired");
    expect(() => verify(token, { clockTimestamp: issuedAt - 6 })).toThrow("jwt not active");
  });

  test("refuses it under another issuer, audience or algorithm", async () => {
    const { token } = await issuerWith().issue(sol);
    expect(() => verify(token, { issuer: "other" })).toThrow("jwt issuer invalid");
    expect(() => verify(token, { audience: "other" })).toThrow("jwt audience invalid");
    expect(() => verify(token, { algorithms: ["RS256", "HS256"] })).toThrow("invalid algorithm");
  });

  test("refuses it with any part altered", async () => {
    const { token } = await issuerWith().issue(sol);
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const { token: other } = await issuerWith().issue({ ...sol, subject: "mia@testmail.com" });
    const altered = [
      `${header}.${encode({ ...claims, sub: "mia@testmail.com" })}.${signature}`,
      `${header}.${encode({ ...claims, exp: claims.exp + 1 })}.${signature}`,
      `${encode({ alg: "none", typ: "JWT" })}.${payload}.`,
      `${encode({ alg: "HS256", typ: "JWT" })}.${payload}.${signature}`,
      `${header}.${payload}.${other.split(".")[2]}`,
      `${header}.${payload}.`,
      ...Array.from({ length: 64 }, (_, byte) => {
        const bytes = Buffer.from(signature, "base64url");
        bytes.writeUInt8(bytes.readUInt8(byte) ^ 1, byte);
        return `${header}.${payload}.${bytes.toString("base64url")}`;
      }),
    ];
    for (const forged of altered) expect(() => verify(forged)).toThrow(jwt.JsonWebTokenError);
  });

  test("refuses a token of another sidecar's key", async () => {
    const { token } = await issuerWith({ keys: ringOf(await makeKeys()) }).issue(sol);
    expect(() => verify(token)).toThrow("invalid signature");
  });
});

describe("publicKeys", () => {
  test("holds public members alone, the active key among them", () => {
    const { keys: published } = issuerWith().publicKeys();
    expect(published).toHaveLength(2);
    expect(Object.keys(published[0] ?? {}).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(published[0]?.kid).toBe(keys.active.kid);
  });
});

/** With the first key of the JWKS, whatever the token says of itself. */
function verify(token: string, options: jwt.VerifyOptions = {}): jwt.JwtPayload {
  const [jwk] = issuerWith().publicKeys().keys;
  const input: JsonWebKeyInput = { key: { ...jwk }, format: "jwk" };
  const payload = jwt.verify(token, createPublicKey(input), {
    algorithms: ["ES256"],
    issuer: "ownid-sidecar",
    audience: "website",
    clockTimestamp: issuedAt,
    ...options,
    complete: false,
  });
  if (typeof payload === "string") throw new Error("the payload is no object");
  return payload;
}

function payloadOf({ token }: NewToken): jwt.JwtPayload {
  const payload = jwt.decode(token, { json: true });
  if (payload === null) throw new Error("no payload");
  return payload;
}

function ringOf(keysOfFile: SigningKeys) {
  return createKeyRing(keysOfFile, { maxAgeSeconds: 300, now: Date.now });
}

async function makeKeys(): Promise<SigningKeys> {
  using folder = temporaryFolder();
  await createSigningKeys(folder.at("keys.json"));
  return await loadSigningKeys(folder.at("keys.json"));
}
