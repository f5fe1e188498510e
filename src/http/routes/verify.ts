import { Elysia } from "elysia";
import { SessionInvalid } from "../../errors.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { bearerOf } from "../bearer-token.ts";
import type { AnswerHeaders } from "../request-id.ts";

export interface VerifyOptions {
  readonly sessions: Pick<Sessions, "find">;
  /** The name of the cookie that holds the session token. */
  readonly sessionCookie: string;
}

/**
 * `GET /verify`, forward authentication for a reverse proxy: 200 with the session in `X-Auth-…` headers lets a
 * request pass, 401 does not. The proxy's method and, below `/verify/`, its path are accepted, because Envoy sends
 * those of the original request.
 */
export function verify({ sessions, sessionCookie }: VerifyOptions) {
  async function check({ request, set }: VerifyContext): Promise<string> {
    const token = bearerOf(request) ?? cookieOf(request, sessionCookie);
    const claims = token === null ? null : await sessions.find(token);
    if (claims === null) {
      set.headers["www-authenticate"] = token === null ? "Bearer" : 'Bearer error="invalid_token"';
      throw new SessionInvalid();
    }
    set.headers["x-auth-subject"] = headerValue(claims.sub);
    set.headers["x-auth-session-id"] = headerValue(claims.sid);
    // The header is empty if there is no type: a proxy that copies a missing header may keep the client's own.
    set.headers["x-auth-session-type"] = claims.session_type ?? "";
    return "";
  }
  return new Elysia()
    .all("/verify", check, { parse: "none" })
    .all("/verify/*", check, { parse: "none", detail: { hide: true } });
}

interface VerifyContext {
  readonly request: Request;
  readonly set: AnswerHeaders;
}

/** Returns the cookie. A cookie that occurs twice may have been set by a neighboring subdomain, so neither is used. */
function cookieOf({ headers }: Request, name: string): string | null {
  const cookies = (headers.get("cookie") ?? "").split(";").map((cookie) => cookie.trim());
  const [token, ...others] = cookies.filter((cookie) => cookie.startsWith(`${name}=`));
  if (token === undefined || others.length > 0) return null;
  return token.slice(name.length + 1).replace(/^"(.*)"$/, "$1") || null;
}

/** Percent-encodes blanks, `%` and everything beyond visible ASCII as UTF-8, since header values are ASCII. */
function headerValue(text: string): string {
  return text.replaceAll(/[^\x21-\x24\x26-\x7e]/gu, encodeURIComponent);
}
