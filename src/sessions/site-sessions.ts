import { SessionInvalid } from "../errors.ts";
import type { SessionService } from "./session-service.ts";
import type { PostToSite } from "./site-endpoint.ts";
import { type SubjectRules, subjectOf } from "./subject.ts";

/**
 * `SESSION_PROVIDER=http`: the site's endpoint makes each session. The sidecar issues no tokens, so it finds none, and
 * there are none to exchange or to end.
 */
export function siteService(post: PostToSite, rules: SubjectRules): SessionService {
  return {
    async startSession({ sessionType }, readUser) {
      const user = await readUser();
      const { subject, claims } = subjectOf(user, rules);
      const answer = await post({ loginId: user.loginId, sessionType, subject, claims });
      return { answer, sid: null };
    },
    sessions: {
      find: async () => null,
      exchange: async () => {
        throw new SessionInvalid();
      },
      revoke: async () => {},
      revokeUser: async () => {},
      userRevocation: async () => null,
      publicKeys: () => ({ keys: [] }),
    },
    issuesTokens: false,
  };
}
