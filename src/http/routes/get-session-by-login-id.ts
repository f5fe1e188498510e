import { Elysia } from "elysia";
import type { AuditEntry, AuditLog } from "../../audit/audit-log.ts";
import type { OwnIdDataStore } from "../../coherence/ownid-data-store.ts";
import type { Logger } from "../../process/logger.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import { GetSessionRequest, SessionResponse, StrictGetSessionRequest } from "../../protocol/messages.ts";
import { parseSessionType } from "../../protocol/session-type.ts";
import type { ReplayGuard } from "../../replay/replay-guard.ts";
import { issueOnce } from "../../replay/signed-use.ts";
import type { StartedSession, StartSession } from "../../sessions/session-service.ts";
import { audited } from "../audited.ts";
import { failureResponses } from "../problem.ts";
import { requestIdOf } from "../request-id.ts";
import type { SignedBody } from "../signed-body.ts";

export interface GetSessionOptions {
  readonly signed: SignedBody;
  readonly store: OwnIdDataStore;
  readonly startSession: StartSession;
  readonly replayGuard: ReplayGuard;
  readonly loginIdCase: LoginIdCase;
  readonly requireSessionType: boolean;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

/** The text goes out as it is, since OwnID hands it to the site's frontend untouched. */
const jsonAnswer = { headers: { "content-type": "application/json;charset=utf-8" } };

/** `POST getSessionByLoginId`: reads the user from the primary database and issues a new session token. */
export function getSessionByLoginId(options: GetSessionOptions) {
  const { signed, store, startSession, replayGuard, loginIdCase, requireSessionType, audit, logger } =
    options;
  return new Elysia().use(signed).post(
    "/getSessionByLoginId",
    async ({ body, signature, set }) => {
      const loginId = parseLoginId(body.loginId, loginIdCase);
      const asked = { loginId, sessionType: parseSessionType(body.sessionType) };
      const start = () => startSession(asked, () => store.findForSession(loginId));
      const requestId = requestIdOf(set);
      const ofType = asked.sessionType === null ? {} : { sessionType: asked.sessionType };
      const entry = {
        event: "session",
        actor: "ownid",
        endpoint: "session",
        loginId,
        requestId,
        ...ofType,
      } as const;
      const issue = () => issueOnce(replayGuard, signature, start);
      const { answer } = await audited(audit, entry, issue, describe);
      logger.info({ requestId }, "session issued");
      return new Response(answer, jsonAnswer);
    },
    {
      parse: "json",
      body: requireSessionType ? StrictGetSessionRequest : GetSessionRequest,
      response: { 200: SessionResponse, ...failureResponses },
    },
  );
}

function describe({ sid }: StartedSession): Partial<AuditEntry> {
  return sid === null ? {} : { sid };
}
