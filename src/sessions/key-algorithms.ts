import { type Static, Type } from "@sinclair/typebox";

/** The algorithms whose keys are in `SESSION_KEYS_FILE`. HS256 has a secret instead. */
export const keyAlgorithms = ["ES256", "EdDSA", "RS256"] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];
export type SessionAlgorithm = KeyAlgorithm | "HS256";

/** 32 bytes in base64url: 42 characters of 6 bits, and one whose last 2 bits are zero. */
const Bytes32 = Type.String({ pattern: "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" });
const Base64Url = Type.String({ pattern: "^[A-Za-z0-9_-]+$" });
/** At least 2048 bits, as RFC 7518, section 3.3 requires. */
const Modulus = Type.String({ pattern: "^[A-Za-z0-9_-]{342,}$" });
const Instant = Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,3})?Z$" });

/** What every entry of the file has besides the key itself. `key-states.ts` explains the states and times. */
const common = {
  kid: Bytes32,
  use: Type.Literal("sig"),
  state: Type.Union([Type.Literal("next"), Type.Literal("active"), Type.Literal("retired")]),
  publishedAt: Type.Optional(Instant),
  activeAt: Type.Optional(Instant),
  retiredAt: Type.Optional(Instant),
};

const Es256Jwk = Type.Object({
  kty: Type.Literal("EC"),
  crv: Type.Literal("P-256"),
  x: Bytes32,
  y: Bytes32,
  d: Bytes32,
  alg: Type.Literal("ES256"),
  ...common,
});

const EdDsaJwk = Type.Object({
  kty: Type.Literal("OKP"),
  crv: Type.Literal("Ed25519"),
  x: Bytes32,
  d: Bytes32,
  alg: Type.Literal("EdDSA"),
  ...common,
});

const Rs256Jwk = Type.Object({
  kty: Type.Literal("RSA"),
  n: Modulus,
  e: Base64Url,
  d: Base64Url,
  p: Base64Url,
  q: Base64Url,
  dp: Base64Url,
  dq: Base64Url,
  qi: Base64Url,
  alg: Type.Literal("RS256"),
  ...common,
});

export const jwkSchemas = { ES256: Es256Jwk, EdDSA: EdDsaJwk, RS256: Rs256Jwk } as const;

/** A key of the file: a private JWK (RFC 7517) with its state. */
export type PrivateJwk = Static<(typeof jwkSchemas)[KeyAlgorithm]>;

const bytes32 = "32 bytes in base64url";
const base64url = "a number in base64url";
const instant = 'an instant such as "2030-01-31T12:00:00Z"';

const commonRules = {
  kid: "its RFC 7638 thumbprint",
  use: '"sig"',
  state: '"next", "active" or "retired"',
  publishedAt: instant,
  activeAt: instant,
  retiredAt: instant,
};

/** For each member, the end of the sentence `"kty" must be …`. */
export const memberRules: Readonly<Record<KeyAlgorithm, Readonly<Record<string, string>>>> = {
  ES256: {
    ...{ kty: '"EC"', crv: '"P-256"', x: bytes32, y: bytes32, d: bytes32, alg: '"ES256"' },
    ...commonRules,
  },
  EdDSA: {
    ...{ kty: '"OKP"', crv: '"Ed25519"', x: bytes32, d: bytes32, alg: '"EdDSA"' },
    ...commonRules,
  },
  RS256: {
    ...{ kty: '"RSA"', n: "2048 bits or more in base64url", alg: '"RS256"' },
    ...Object.fromEntries(["e", "d", "p", "q", "dp", "dq", "qi"].map((member) => [member, base64url])),
    ...commonRules,
  },
};

/** The members that may be published. All others are private, or are only for the file. */
const publicMembers: ReadonlySet<string> = new Set(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"]);

/** Returns the public half of a key, as it is published (RFC 7517, section 5). */
export function publicJwkOf(jwk: PrivateJwk) {
  const { kty, kid, alg, use } = jwk;
  const members = Object.entries(jwk).filter(([member]) => publicMembers.has(member));
  return { ...Object.fromEntries(members), kty, kid, alg, use };
}
