import { createHmac } from "node:crypto";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from "jose";
import type { SigningKeys } from "../../src/sessions/signing-keys.ts";

export type Kind = "session" | "handoff";

/** The changes that a test makes to the claims and the header of a valid token. `undefined` removes a member. */
interface Changes {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

export type Forger = ReturnType<typeof createForger>;

/** Creates tokens with the sidecar's key, but without its issuer. */
export function createForger({ active, publicKeys }: SigningKeys, nowSeconds: () => number) {
  const claimsOf = (changes: Changes["claims"] = {}) => ({
    iss: "ownid-sidecar",
    aud: "website",
    sub: "sol@testmail.com",
    iat: nowSeconds() - 5,
    nbf: nowSeconds() - 5,
    exp: nowSeconds() + 60,
    jti: crypto.randomUUID(),
    sid: crypto.randomUUID(),
    ...changes,
  });

  const headerOf = (kind: Kind, changes: Changes["header"] = {}) => ({
    alg: active.algorithm,
    kid: active.kid,
    typ: `ownid-${kind}+jwt`,
    ...changes,
  });

  return {
    nowSeconds,
    kid: active.kid,
    publicJwk: publicKeys.keys[0] ?? {},

    sign: (kind: Kind, { claims, header }: Changes = {}, key: CryptoKey = active.privateKey) =>
      new SignJWT(claimsOf(claims)).setProtectedHeader(headerOf(kind, header)).sign(key),

    /** Signs with HS256 and any text as the secret, as an attacker might: everybody has the public key. */
    signWithText(kind: Kind, text: string): string {
      const signed = [headerOf(kind, { alg: "HS256" }), claimsOf()].map(encode).join(".");
      return `${signed}.${createHmac("sha256", text).update(signed).digest("base64url")}`;
    },

    /** Returns a valid token with parts replaced after it was signed. */
    async alter(kind: Kind, change: (parts: Parts) => Partial<Parts>): Promise<string> {
      const [header = "", claims = "", signature = ""] = (await this.sign(kind)).split(".");
      const parts = { header, claims, signature };
      return Object.values({ ...parts, ...change(parts) }).join(".");
    },

    unsignedHeader: (kind: Kind) => encode(headerOf(kind, { alg: "none" })),
    otherClaims: () => encode(claimsOf({ sub: "mia@testmail.com" })),
  };
}

interface Parts {
  readonly header: string;
  readonly claims: string;
  readonly signature: string;
}

type Forge = (forger: Forger, kind: Kind) => string | Promise<string>;

const withClaim =
  (name: string, value: (nowSeconds: number) => unknown): Forge =>
  (forger, kind) =>
    forger.sign(kind, { claims: { [name]: value(forger.nowSeconds()) } });

const withoutClaim = (name: string) => withClaim(name, () => undefined);

const withHeader =
  (header: Readonly<Record<string, unknown>>): Forge =>
  (forger, kind) =>
    forger.sign(kind, { header });

/** Signs under the sidecar's `kid` with the forger's own key, to which the header points. */
const withOwnKey =
  (point: (jwk: object) => Readonly<Record<string, unknown>>): Forge =>
  async (forger, kind) => {
    const own = await generateKeyPair("ES256", { extractable: true });
    const jwk = { ...(await exportJWK(own.publicKey)), kid: forger.kid, alg: "ES256" };
    return forger.sign(kind, { header: point(jwk) }, own.privateKey);
  };

/** Tokens with one fault each. */
export const badTokens: Readonly<Record<string, Forge>> = {
  "no JWT": () => "token",
  "alg: none": (forger, kind) =>
    forger.alter(kind, () => ({ header: forger.unsignedHeader(kind), signature: "" })),
  "alg: none with the signature left on": (forger, kind) =>
    forger.alter(kind, () => ({ header: forger.unsignedHeader(kind) })),
  "HS256 signed with the public key as PEM": async (forger, kind) =>
    forger.signWithText(kind, await publicPemOf(forger)),
  "HS256 signed with the public key as JWK": (forger, kind) =>
    forger.signWithText(kind, JSON.stringify(forger.publicJwk)),
  "the typ of the other kind": (forger, kind) => forger.sign(kind === "session" ? "handoff" : "session"),
  "the typ JWT": withHeader({ typ: "JWT" }),
  "no typ": withHeader({ typ: undefined }),
  "a jwk header": withOwnKey((jwk) => ({ jwk })),
  "a jku header": withOwnKey(() => ({ jku: "http://127.0.0.1:9/jwks" })),
  "an x5u header": withOwnKey(() => ({ x5u: "http://127.0.0.1:9/x5u" })),
  "the signature of another key": withOwnKey(() => ({})),
  "an unknown kid": withHeader({ kid: "unknown" }),
  "altered claims": (forger, kind) => forger.alter(kind, () => ({ claims: forger.otherClaims() })),
  "an altered signature": (forger, kind) =>
    forger.alter(kind, ({ signature }) => ({ signature: flip(signature) })),
  "the signature in another spelling": (forger, kind) =>
    forger.alter(kind, ({ signature }) => ({ signature: respell(signature) })),
  "the signature with padding": (forger, kind) =>
    forger.alter(kind, ({ signature }) => ({ signature: `${signature}==` })),
  "no signature": (forger, kind) => forger.alter(kind, () => ({ signature: "" })),
  "an end that has come": withClaim("exp", (now) => now),
  "a beginning in the future": withClaim("nbf", (now) => now + 1),
  "a lifetime that no token has": withClaim("iat", (now) => now - 7200),
  "a foreign issuer": withClaim("iss", () => "other"),
  "no issuer": withoutClaim("iss"),
  "a foreign audience": withClaim("aud", () => "other"),
  "no audience": withoutClaim("aud"),
  "one audience more": withClaim("aud", () => ["website", "other"]),
  "no sub": withoutClaim("sub"),
  "no iat": withoutClaim("iat"),
  "no nbf": withoutClaim("nbf"),
  "no exp": withoutClaim("exp"),
  "no jti": withoutClaim("jti"),
  "no sid": withoutClaim("sid"),
};

async function publicPemOf({ publicJwk }: Forger): Promise<string> {
  const key = await importJWK({ ...publicJwk, ext: true }, "ES256");
  if (key instanceof Uint8Array) throw new Error("the public key is a secret");
  return exportSPKI(key);
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function flip(signature: string): string {
  const bytes = Buffer.from(signature, "base64url");
  bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10);
  return bytes.toString("base64url");
}

/** Sets a bit that does not count: the last character of 64 bytes stands for two bits, and four are left over. */
function respell(signature: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return signature.slice(0, -1) + letters.charAt(letters.indexOf(signature.slice(-1)) + 1);
}

/** Returns the token with claims that name another user, under the signature of the first one. */
export function withAnotherSubject(token: string): string {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const payload = { ...JSON.parse(Buffer.from(claims, "base64url").toString()), sub: "mia@testmail.com" };
  return [header, Buffer.from(JSON.stringify(payload)).toString("base64url"), signature].join(".");
}
