import { SQL } from "bun";
import { createBareVerifier } from "./bare-signature.ts";

/**
 * The lower bound for a write: reads the row and updates it. It does not use Redis, and nothing protects two concurrent
 * writers from each other.
 */

const { PORT, OWNID_SHARED_SECRET = "", DATABASE_URL = "" } = process.env;

const verify = createBareVerifier(OWNID_SHARED_SECRET);
const sql = new SQL(DATABASE_URL, { max: 10 });
const utf8 = new TextDecoder();

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(PORT),
  async fetch(request) {
    const body = await request.bytes();
    if (!verify(body, request.headers)) return new Response(null, { status: 401 });
    const { loginId, ownIdData } = JSON.parse(utf8.decode(body));
    const [row] = await sql`SELECT "ownIdData" FROM users WHERE email = ${loginId}`;
    if (row === undefined) return new Response(null, { status: 404 });
    await sql`UPDATE users SET "ownIdData" = ${ownIdData} WHERE email = ${loginId}`;
    return new Response(null, { status: 204 });
  },
});
