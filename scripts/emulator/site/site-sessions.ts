import { RequestFailed } from "../api/failure.ts";
import type { SiteSession } from "../api/site-api.ts";

/** The sessions of the demo site, in memory. The cookie is hidden from scripts. */
export interface SiteSessions {
  /** Opens a session and returns the `Set-Cookie` header. */
  open(session: SiteSession): string;
  /** @throws {RequestFailed} `authorization_invalid`: nobody is signed in */
  current(request: Request): SiteSession;
  /** Ends the session and returns the `Set-Cookie` header that removes the cookie. */
  close(request: Request): string;
}

const cookieName = "emulator_site";
const attributes = "Path=/; HttpOnly; SameSite=Strict";

export function createSiteSessions(): SiteSessions {
  const sessions = new Map<string, SiteSession>();

  return {
    open(session) {
      const id = crypto.randomUUID();
      sessions.set(id, session);
      return `${cookieName}=${id}; ${attributes}`;
    },
    current(request) {
      const session = sessions.get(cookieOf(request));
      if (session === undefined) throw new RequestFailed("authorization_invalid", "Nobody is signed in.");
      return session;
    },
    close(request) {
      sessions.delete(cookieOf(request));
      return `${cookieName}=; ${attributes}; Max-Age=0`;
    },
  };
}

function cookieOf({ headers }: Request): string {
  const cookies = new Bun.CookieMap(headers.get("cookie") ?? "");
  return cookies.get(cookieName) ?? "";
}
