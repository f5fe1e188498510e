import { SQL } from "bun";
import { Redis } from "ioredis";
import { createBareVerifier } from "./bare-signature.ts";

/** The yardstick for a lookup: only the work that no server can omit, with ioredis in its usual form. */

const { PORT, OWNID_SHARED_SECRET = "", REDIS_URL = "", REDIS_KEY_PREFIX, DATABASE_URL } = process.env;

const verify = createBareVerifier(OWNID_SHARED_SECRET);
const redis = new Redis(REDIS_URL, { enableAutoPipelining: true });
const sql = new SQL(DATABASE_URL ?? "", { max: 10 });
const utf8 = new TextDecoder();

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(PORT),
  async fetch(request) {
    const body = await request.bytes();
    if (!verify(body, request.headers)) return new Response(null, { status: 401 });
    const { loginId } = JSON.parse(utf8.decode(body));
    const [value] = await redis.hmget(`${REDIS_KEY_PREFIX}user:${loginId}`, "v");
    if (value) return Response.json({ ownIdData: value });
    const [row] = await sql`SELECT "ownIdData" FROM users WHERE email = ${loginId}`;
    if (row === undefined) return new Response(null, { status: 404 });
    return row.ownIdData ? Response.json({ ownIdData: row.ownIdData }) : new Response(null, { status: 204 });
  },
});
