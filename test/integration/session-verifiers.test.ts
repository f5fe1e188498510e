import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPublicKey, verify as verifyBytes } from "node:crypto";
import jwt from "jsonwebtoken";
import jwksRsa from "jwks-rsa";
import { requirePython } from "../../scripts/servers/server-binaries.ts";
import { describeWithPython } from "../support/describe-with.ts";
import { withAnotherSubject } from "../support/session-tokens.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(30_000);

const sol = "sol@testmail.com";
const algorithms = ["ES256", "EdDSA", "RS256"] as const;
type Algorithm = (typeof algorithms)[number];

interface Site {
  readonly sidecar: SidecarProcess;
  readonly jwksUrl: string;
  readonly token: string;
}
const sites = new Map<Algorithm, Site>();
beforeAll(async () => {
  const started = algorithms.map(async (algorithm) => {
    const sidecar = spawnSidecar({ SESSION_ALG: algorithm });
    const { baseUrl } = await sidecar.ready();
    const { token } = JSON.parse((await sidecar.clientAt(baseUrl).session(sol, "mobile")).body);
    sites.set(algorithm, { sidecar, jwksUrl: `${baseUrl}/.well-known/jwks.json`, token });
  });
  await Promise.all(started);
});
afterAll(async () => {
  for (const { sidecar } of sites.values()) await sidecar[Symbol.asyncDispose]();
});

function siteWith(algorithm: Algorithm): Site {
  const site = sites.get(algorithm);
  if (site === undefined) throw new Error(`no sidecar with ${algorithm}`);
  return site;
}

async function publishedKey({ token, jwksUrl }: Site) {
  const { kid } = jwt.decode(token, { complete: true })?.header ?? {};
  return (await jwksRsa({ jwksUri: jwksUrl, timeout: 5000 }).getSigningKey(kid)).getPublicKey();
}

describe("jsonwebtoken with jwks-rsa", () => {
  test.each(["ES256", "RS256"] as const)(
    "verifies a token signed with %s, and refuses an altered one",
    async (algorithm) => {
      const site = siteWith(algorithm);
      const key = await publishedKey(site);
      const expected = { issuer: "ownid-sidecar", audience: "website", algorithms: [algorithm] };
      expect(jwt.verify(site.token, key, { ...expected, complete: true })).toMatchObject({
        header: { typ: "ownid-session+jwt", alg: algorithm },
        payload: { sub: sol, session_type: "mobile" },
      });
      expect(() => jwt.verify(withAnotherSubject(site.token), key, expected)).toThrow("invalid signature");
      expect(() => jwt.verify(site.token, key, { ...expected, audience: "other" })).toThrow(
        "audience invalid",
      );
    },
  );
});

describe("Node's own crypto, where jsonwebtoken knows no EdDSA", () => {
  test("verifies the signature with the key that jwks-rsa finds, and refuses an altered token", async () => {
    const site = siteWith("EdDSA");
    const key = createPublicKey(await publishedKey(site));
    const holds = (token: string) => {
      const signed = token.slice(0, token.lastIndexOf("."));
      return verifyBytes(
        null,
        Buffer.from(signed),
        key,
        Buffer.from(token.slice(signed.length + 1), "base64url"),
      );
    };
    expect([key.asymmetricKeyType, holds(site.token), holds(withAnotherSubject(site.token))]).toEqual([
      "ed25519",
      true,
      false,
    ]);
  });
});

const packages = ["python3-jwt", "python3-cryptography"] as const;
describeWithPython(packages, "PyJWT", () => {
  const script = `
import json, sys, jwt
url, algorithm, audience, *tokens = sys.argv[1:]
keys = jwt.PyJWKClient(url)
for token in tokens:
    try:
        key = keys.get_signing_key_from_jwt(token).key
        claims = jwt.decode(token, key, algorithms=[algorithm], issuer="ownid-sidecar", audience=audience)
        print(json.dumps([jwt.get_unverified_header(token)["typ"], claims["sub"], claims["session_type"]]))
    except jwt.PyJWTError as error:
        print(json.dumps(type(error).__name__))
`;

  function verify(algorithm: Algorithm, jwksUrl: string, audience: string, ...tokens: string[]) {
    const argv = [requirePython(packages), "-c", script, jwksUrl, algorithm, audience, ...tokens];
    const { stdout, stderr } = Bun.spawnSync(argv, { env: {} });
    const lines = stdout.toString().trim().split("\n");
    expect(stderr.toString()).toBe("");
    return lines.map((line) => JSON.parse(line));
  }

  test.each(algorithms)("verifies a token signed with %s, and refuses an altered one", (algorithm) => {
    const { token, jwksUrl } = siteWith(algorithm);
    expect(verify(algorithm, jwksUrl, "website", token, withAnotherSubject(token))).toEqual([
      ["ownid-session+jwt", sol, "mobile"],
      "InvalidSignatureError",
    ]);
    expect(verify(algorithm, jwksUrl, "other", token)).toEqual(["InvalidAudienceError"]);
  });
});
