import { createHash, timingSafeEqual } from "node:crypto";
import { Elysia } from "elysia";
import { PathUnknown, TokenInvalid } from "../errors.ts";

/**
 * Guards routes with `Authorization: Bearer <token>` (RFC 6750, section 2.1), before their body is read. Without a
 * token in the configuration the routes are not there.
 */
export function bearerToken(name: string, token: string | null) {
  const expected = token === null ? null : digest(token);
  return new Elysia({ name: `bearer-token-${name}` }).onParse({ as: "scoped" }, ({ request, set }) => {
    if (expected === null) throw new PathUnknown("no ADMIN_TOKEN");
    const [, given = ""] = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    if (timingSafeEqual(digest(given), expected)) return;
    set.headers["www-authenticate"] = "Bearer";
    throw new TokenInvalid();
  });
}

/** Of one length, so that the comparison takes one time. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
