import { SQL } from "bun";
import { Redis } from "ioredis";
import { SignJWT } from "jose";
import { readSigningKeys } from "../../../src/sessions/signing-keys.ts";
import { createBareVerifier } from "./bare-signature.ts";

/**
 * The lower bound for a session: reads the row and the hash at the same time, and signs a token with the sidecar's
 * claims.
 */

const {
  PORT,
  OWNID_SHARED_SECRET = "",
  REDIS_URL = "",
  REDIS_KEY_PREFIX,
  DATABASE_URL = "",
  SESSION_KEYS_FILE = "",
} = process.env;

const verify = createBareVerifier(OWNID_SHARED_SECRET);
const redis = new Redis(REDIS_URL, { enableAutoPipelining: true });
const sql = new SQL(DATABASE_URL, { max: 10 });
const { active } = await readSigningKeys(SESSION_KEYS_FILE);
const header = { alg: active.algorithm, kid: active.kid, typ: "ownid-session+jwt" };
const ttlSeconds = 3600;
const utf8 = new TextDecoder();

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(PORT),
  async fetch(request) {
    const body = await request.bytes();
    if (!verify(body, request.headers)) return new Response(null, { status: 401 });
    const { loginId } = JSON.parse(utf8.decode(body));
    const [[row], [value]] = await Promise.all([
      sql`SELECT email, "ownIdData" FROM users WHERE email = ${loginId}`,
      redis.hmget(`${REDIS_KEY_PREFIX}user:${loginId}`, "v"),
    ]);
    if (row === undefined) return new Response(null, { status: 404 });
    if (value && value !== row.ownIdData) return new Response(null, { status: 503 });
    return Response.json({ token: await issue(row.email) });
  },
});

function issue(loginId: string): Promise<string> {
  const issuedAt = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: "ownid-sidecar",
    aud: "website",
    sub: loginId,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + ttlSeconds,
    jti: crypto.randomUUID(),
    sid: crypto.randomUUID(),
  })
    .setProtectedHeader(header)
    .sign(active.privateKey);
}
