import { createHmac } from "node:crypto";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from "jose";
import type { SigningKeys } from "../../src/sessions/signing-keys.ts";

/** The claims of a good token, and what a test changes about it. */
export interface Forgery {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** Makes tokens without the sidecar's own issuer, with its key: good ones, and each kind of bad one. */
export function createForger(keys: SigningKeys, nowSeconds: () => number) {
  const { active, publicKeys } = keys;

  const claimsOf = (changes: Forgery["claims"] = {}) => ({
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

  const headerOf = (kind: string, changes: Forgery["header"] = {}) => ({
    alg: active.algorithm,
    kid: active.kid,
    typ: `ownid-${kind}+jwt`,
    ...changes,
  });

  function sign(
    kind: string,
    { claims, header }: Forgery,
    key: CryptoKey = active.privateKey,
  ): Promise<string> {
    return new SignJWT(claimsOf(claims)).setProtectedHeader(headerOf(kind, header)).sign(key);
  }

  /** HS256 over whatever text an attacker has: everyone has the public key. */
  function signWithText(kind: string, text: string): string {
    const parts = [headerOf(kind, { alg: "HS256" }), claimsOf()].map(encode).join(".");
    return `${parts}.${createHmac("sha256", text).update(parts).digest("base64url")}`;
  }

  /** Every token that must be refused where a token of this kind is wanted, by what is wrong with it. */
  async function badTokens(kind: "session" | "handoff"): Promise<Record<string, string>> {
    const good = await sign(kind, {});
    const [head = "", body = "", signature = ""] = good.split(".");
    const own = await generateKeyPair("ES256", { extractable: true });
    const ownJwk = { ...(await exportJWK(own.publicKey)), kid: active.kid, alg: "ES256" };
    const [jwk = {}] = publicKeys.keys;
    const publicKey = await importJWK({ ...jwk, ext: true }, "ES256");
    if (publicKey instanceof Uint8Array) throw new Error("the public key is a secret");
    const kinds = { session: "handoff", handoff: "session" } as const;
    const hours = (count: number) => nowSeconds() + 3600 * count;
    return {
      nothing: "",
      "no JWT": "token",
      "alg: none": `${encode(headerOf(kind, { alg: "none" }))}.${body}.`,
      "alg: none with the signature left on": `${encode(headerOf(kind, { alg: "none" }))}.${body}.${signature}`,
      "HS256 signed with the public key as PEM": signWithText(kind, await exportSPKI(publicKey)),
      "HS256 signed with the public key as JWK": signWithText(kind, JSON.stringify(jwk)),
      "another typ": await sign(kind, { header: { typ: `ownid-${kinds[kind]}+jwt` } }),
      "typ JWT": await sign(kind, { header: { typ: "JWT" } }),
      "no typ": await sign(kind, { header: { typ: undefined } }),
      "a jwk header with a key of the forger's": await sign(
        kind,
        { header: { jwk: ownJwk } },
        own.privateKey,
      ),
      "a jku header": await sign(kind, { header: { jku: "http://127.0.0.1:9/jwks" } }, own.privateKey),
      "an x5u header": await sign(kind, { header: { x5u: "http://127.0.0.1:9/x5u" } }, own.privateKey),
      "another key under our kid": await sign(kind, {}, own.privateKey),
      "an unknown kid": await sign(kind, { header: { kid: "unknown" } }),
      "a critical header": await sign(kind, { header: { crit: ["exp"], exp: 1 } }).catch(() => ""),
      "altered claims": `${head}.${encode(claimsOf({ sub: "mia@testmail.com" }))}.${signature}`,
      "an altered signature": `${head}.${body}.${flip(signature)}`,
      "no signature": `${head}.${body}.`,
      "an expired time": await sign(kind, { claims: { exp: nowSeconds() } }),
      "a beginning in the future": await sign(kind, { claims: { nbf: nowSeconds() + 1 } }),
      "a lifetime that no token has": await sign(kind, { claims: { iat: hours(-2), exp: hours(1) } }),
      "a foreign issuer": await sign(kind, { claims: { iss: "other" } }),
      "no issuer": await sign(kind, { claims: { iss: undefined } }),
      "a foreign audience": await sign(kind, { claims: { aud: "other" } }),
      "one audience more": await sign(kind, { claims: { aud: ["website", "other"] } }),
      ...Object.fromEntries(
        await Promise.all(
          ["sub", "iat", "nbf", "exp", "jti", "sid"].map(async (claim) => [
            `no ${claim}`,
            await sign(kind, { claims: { [claim]: undefined } }),
          ]),
        ),
      ),
    };
  }

  return { sign, badTokens };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function flip(signature: string): string {
  const bytes = Buffer.from(signature, "base64url");
  bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10);
  return bytes.toString("base64url");
}
