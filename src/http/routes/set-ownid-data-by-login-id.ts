import { Elysia } from "elysia";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { OwnIdDataStore } from "../../coherence/ownid-data-store.ts";
import type { Logger } from "../../process/logger.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import { Empty, SetOwnIdDataRequest } from "../../protocol/messages.ts";
import { parseOwnIdData } from "../../protocol/ownid-data.ts";
import type { ReplayGuard } from "../../replay/replay-guard.ts";
import { writeOnce } from "../../replay/signed-use.ts";
import { audited } from "../audited.ts";
import { failureResponses } from "../problem.ts";
import { requestIdOf } from "../request-id.ts";
import type { SignedBody } from "../signed-body.ts";

export interface SetOwnIdDataOptions {
  readonly signed: SignedBody;
  readonly store: OwnIdDataStore;
  readonly replayGuard: ReplayGuard;
  readonly loginIdCase: LoginIdCase;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

/**
 * `POST setOwnIDDataByLoginId`: replaces the user's `ownIdData`. After a 204, the primary database has committed it.
 */
export function setOwnIdDataByLoginId({
  signed,
  store,
  replayGuard,
  loginIdCase,
  audit,
  logger,
}: SetOwnIdDataOptions) {
  return new Elysia().use(signed).post(
    "/setOwnIDDataByLoginId",
    async ({ body, signature, set, status }) => {
      const loginId = parseLoginId(body.loginId, loginIdCase);
      const ownIdData = parseOwnIdData(body.ownIdData);
      const requestId = requestIdOf(set);
      const entry = { event: "enrolment", actor: "ownid", endpoint: "set", loginId, requestId } as const;
      const write = () => writeOnce(replayGuard, signature, () => store.set(loginId, ownIdData));
      await audited(audit, entry, write, (ran) => ({ outcome: ran ? "done" : "repeated" }));
      logger.info({ requestId }, "ownIdData written");
      return status(204, undefined);
    },
    {
      parse: "json",
      body: SetOwnIdDataRequest,
      response: { 204: Empty, ...failureResponses },
    },
  );
}
