import { Elysia } from "elysia";
import { SessionInvalid } from "../../errors.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { bearerOf } from "../bearer-token.ts";

export interface VerifyOptions {
  readonly sessions: Pick<Sessions, "find">;
  /** The name of the cookie that holds the session token. */
  readonly sessionCookie: string;
}

/**
 * Forward authentication for a reverse proxy: 200 with the session in `X-Auth-…` headers lets a request pass, 401 does
 * not. The proxy's own method and, below `/verify/`, its path are accepted, since Envoy sends those of the request.
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
    // Empty where there is none: a proxy that copies a header which is not there may leave the client's own.
    set.headers["x-auth-session-type"] = claims.session_type ?? "";
    return "";
  }
  return new Elysia()
    .all("/verify", check, { parse: "none" })
    .all("/verify/*", check, { parse: "none", detail: { hide: true } });
}

interface VerifyContext {
  readonly request: Request;
  readonly set: { readonly headers: Record<string, string | number | undefined> };
}

/** A cookie that comes twice was perhaps set by a neighbouring subdomain, so none of the two is believed. */
function cookieOf({ headers }: Request, name: string): string | null {
  const cookies = (headers.get("cookie") ?? "").split(";").map((cookie) => cookie.trim());
  const [token, ...others] = cookies.filter((cookie) => cookie.startsWith(`${name}=`));
  if (token === undefined || others.length > 0) return null;
  return token.slice(name.length + 1).replace(/^"(.*)"$/, "$1") || null;
}

/** Headers are ASCII. Blanks, `%` and everything beyond visible ASCII are percent-encoded as UTF-8. */
function headerValue(text: string): string {
  return text.replaceAll(/[^\x21-\x24\x26-\x7e]/gu, encodeURIComponent);
}
