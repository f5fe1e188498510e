import { createPrivateKey, sign } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { bench, do_not_optimize, group, summary } from "mitata";
import { createJwtIssuer } from "../../../src/sessions/jwt-issuer.ts";

const algorithm = "ES256";
const loginId = "user123456@example.com";
/** As a busy sidecar signs them: side by side, on other threads than its own. */
const overlapping = 64;

/** Issuing a session token: as the sidecar does it, jose alone, and the bare signature that both rest on. */
export async function benchTokens(): Promise<void> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const ways: Record<string, () => Promise<string>> = {
    createJwtIssuer: await issuerOf(privateKey, publicKey),
    "jose alone, one claim": () =>
      new SignJWT({ sub: loginId }).setProtectedHeader({ alg: algorithm }).sign(privateKey),
  };
  for (const way of Object.values(ways)) await jwtVerify(await way(), publicKey, { subject: loginId });

  const bareKey = createPrivateKey({ key: { ...(await exportJWK(privateKey)) }, format: "jwk" });
  const signed = Buffer.from((await ways.createJwtIssuer?.()) ?? "");
  group("issue a session token", () =>
    summary(() => {
      for (const [name, issue] of Object.entries(ways)) bench(`token: ${name}`, issue);
      bench("token: the signature alone, node:crypto", () =>
        do_not_optimize(sign("sha256", signed, { key: bareKey, dsaEncoding: "ieee-p1363" })),
      );
    }),
  );
  group(`issue ${overlapping} session tokens side by side`, () =>
    summary(() => {
      for (const [name, issue] of Object.entries(ways)) {
        bench(`${overlapping} tokens: ${name}`, () =>
          Promise.all(Array.from({ length: overlapping }, () => issue())),
        );
      }
    }),
  );
}

async function issuerOf(privateKey: CryptoKey, publicKey: CryptoKey): Promise<() => Promise<string>> {
  const issuer = createJwtIssuer({
    keys: {
      algorithm,
      signer: () => ({ kid: "the only key", key: privateKey }),
      findVerifier: () => publicKey,
      publicKeys: () => ({ keys: [] }),
    },
    issuer: "ownid-sidecar",
    audience: "website",
    tokenType: "ownid-session+jwt",
    ttlSeconds: 3600,
    ttlSecondsByType: { browser: null, mobile: null },
    handoffTtlSeconds: 120,
    now: Date.now,
  });
  return () => issuer.issue({ loginId, sessionType: null });
}
