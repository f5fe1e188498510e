import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { OwnIdDataStore } from "../../coherence/ownid-data-store.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import { adminCall } from "../admin-call.ts";
import { audited } from "../audited.ts";
import type { BearerGuard } from "../bearer-token.ts";
import { jsonBody } from "../json-body.ts";

export interface AdminInvalidateOptions {
  readonly store: OwnIdDataStore;
  readonly loginIdCase: LoginIdCase;
  readonly admin: BearerGuard;
  readonly bodyBytesMax: number;
  readonly audit: AuditLog;
}

const nothingElse = { additionalProperties: false };
const one = Type.Object({ loginId: Type.String({ minLength: 1 }) }, nothingElse);
const all = Type.Object({ all: Type.Literal(true) }, nothingElse);
const oneOrAll = Type.Union([one, all], { "x-problem": 'Send {"loginId":"…"} or {"all":true}.' });

/**
 * `POST /admin/invalidate`: the site calls it after it has changed rows itself or restored its database. Redis then
 * no longer holds what it knew of them.
 */
export function adminInvalidate({ store, loginIdCase, admin, bodyBytesMax, audit }: AdminInvalidateOptions) {
  return new Elysia()
    .use(admin.beforeBody)
    .use(jsonBody(bodyBytesMax))
    .post(
      "/admin/invalidate",
      async (context) => {
        const { body, status } = context;
        const entry = adminCall(context);
        if ("loginId" in body) {
          const loginId = parseLoginId(body.loginId, loginIdCase);
          await audited(audit, { ...entry, loginId }, () => store.invalidate(loginId));
        } else await audited(audit, entry, store.invalidateAll);
        return status(204, undefined);
      },
      { parse: "json", body: oneOrAll, response: { 204: Type.Void() } },
    );
}
