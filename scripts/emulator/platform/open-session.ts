import type { SessionAnswer } from "../api/platform-api.ts";
import type { PlatformParts } from "./platform-parts.ts";

/**
 * Asks the site for a session, whose token then authorizes changes of the account.
 *
 * @throws {RequestFailed} as `getSession`
 */
export async function openSession(
  { site, authorizations }: PlatformParts,
  loginId: string,
  sessionType: string,
  reason: string,
): Promise<SessionAnswer> {
  const session = await site.getSession(loginId, sessionType, reason);
  authorizations.rememberSession(loginId, session);
  return session;
}
