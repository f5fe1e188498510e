import type { SessionRequest } from "./session-issuer.ts";
import type { Sessions } from "./sessions.ts";
import type { SubjectUser } from "./subject.ts";

/** Starts a session, and returns the body of the answer to OwnID, a JSON object, as text. */
export type StartSession = (asked: SessionRequest, readUser: () => Promise<SubjectUser>) => Promise<string>;

/** What `SESSION_PROVIDER` decides. */
export interface SessionService {
  readonly startSession: StartSession;
  /** The session tokens that the sidecar has issued. */
  readonly sessions: Omit<Sessions, "start">;
  /** Whether it issues any. */
  readonly issuesTokens: boolean;
}

/** `SESSION_PROVIDER=jwt`: the answer to OwnID is `{"token":"…"}`. */
export function tokenService(sessions: Sessions): SessionService {
  return {
    startSession: async (asked, readUser) => JSON.stringify({ token: await sessions.start(asked, readUser) }),
    sessions,
    issuesTokens: true,
  };
}
