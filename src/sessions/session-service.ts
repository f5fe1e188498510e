import type { SessionRequest } from "./session-issuer.ts";
import type { Sessions } from "./sessions.ts";
import type { SubjectUser } from "./subject.ts";

export interface StartedSession {
  /** The body of the answer to OwnID: the text of a JSON object. */
  readonly answer: string;
  /** `null` if the site has made the session, whose id the sidecar does not know. */
  readonly sid: string | null;
}

export type StartSession = (
  asked: SessionRequest,
  readUser: () => Promise<SubjectUser>,
) => Promise<StartedSession>;

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
    async startSession(asked, readUser) {
      const { token, sid } = await sessions.start(asked, readUser);
      return { answer: JSON.stringify({ token }), sid };
    },
    sessions,
    issuesTokens: true,
  };
}
