import { Elysia } from "elysia";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { OwnIdDataStore } from "../../coherence/ownid-data-store.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import {
  Empty,
  GetOwnIdDataRequest,
  OwnIdDataResponse,
  StrictGetOwnIdDataRequest,
} from "../../protocol/messages.ts";
import { type ReplayGuard, withoutReplayGuard } from "../../replay/replay-guard.ts";
import { readBound } from "../../replay/signed-use.ts";
import { auditReplay } from "../audited.ts";
import { failureResponses } from "../problem.ts";
import { requestIdOf } from "../request-id.ts";
import type { SignedBody } from "../signed-body.ts";

export interface GetOwnIdDataOptions {
  readonly signed: SignedBody;
  readonly store: OwnIdDataStore;
  readonly replayGuard: ReplayGuard;
  readonly loginIdCase: LoginIdCase;
  readonly requireSessionType: boolean;
  readonly audit: AuditLog;
}

/** `POST getOwnIDDataByLoginId`, the hot path: returns the user's `ownIdData`, or 204 if the user has none. */
export function getOwnIdDataByLoginId(options: GetOwnIdDataOptions) {
  const { signed, store, loginIdCase, requireSessionType, audit } = options;
  // With `REQUIRE_SESSION_TYPE`, no other endpoint accepts the body of a lookup, so its signature needs no binding.
  const replayGuard = requireSessionType ? withoutReplayGuard : options.replayGuard;
  return new Elysia().use(signed).post(
    "/getOwnIDDataByLoginId",
    async ({ body, signature, set, status }) => {
      const loginId = parseLoginId(body.loginId, loginIdCase);
      try {
        const ownIdData = await readBound(replayGuard, signature, () => store.get(loginId));
        return ownIdData === null ? status(204, undefined) : { ownIdData };
      } catch (error) {
        auditReplay(audit, error, { actor: "ownid", endpoint: "get", loginId, requestId: requestIdOf(set) });
        throw error;
      }
    },
    {
      parse: "json",
      body: requireSessionType ? StrictGetOwnIdDataRequest : GetOwnIdDataRequest,
      response: { 200: OwnIdDataResponse, 204: Empty, ...failureResponses },
    },
  );
}
