import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { AuditLog } from "../../audit/audit-log.ts";
import { PathUnknown } from "../../errors.ts";
import type { Logger } from "../../process/logger.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { adminCall } from "../admin-call.ts";
import { audited } from "../audited.ts";
import type { BearerGuard } from "../bearer-token.ts";
import { jsonBody } from "../json-body.ts";
import type { RevokeUser } from "../user-revocation.ts";

export interface AdminRevokeOptions {
  readonly admin: BearerGuard;
  readonly sessions: Pick<Sessions, "revoke">;
  readonly revokeUser: RevokeUser;
  /** If the site makes its sessions itself, there is nothing to revoke here, and a 204 would be untrue. */
  readonly issuesTokens: boolean;
  readonly loginIdCase: LoginIdCase;
  readonly bodyBytesMax: number;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

const explained = { "x-problem": 'Send {"jti":"…"}, {"sid":"…"} or {"loginId":"…"}.' };
const Id = Type.Optional(Type.String({ pattern: "^[\\x21-\\x7e]{1,128}$", ...explained }));
const LoginId = Type.Optional(Type.String({ minLength: 1, ...explained }));
const OneOfThree = Type.Object(
  { jti: Id, sid: Id, loginId: LoginId },
  { minProperties: 1, maxProperties: 1, ...explained },
);

/**
 * `POST /admin/revoke`: ends one token, one session, or everything that has been issued to a user so far. The answer
 * is 204 for an unknown token or user, too.
 */
export function adminRevoke(options: AdminRevokeOptions) {
  const { admin, sessions, revokeUser, issuesTokens, loginIdCase, bodyBytesMax, audit, logger } = options;

  async function revoke({ jti, sid, loginId }: Static<typeof OneOfThree>): Promise<void> {
    if (loginId !== undefined) await revokeUser(loginId);
    const tokenOrSession = jti ?? sid;
    if (tokenOrSession !== undefined) await sessions.revoke(tokenOrSession);
  }

  return new Elysia()
    .use(admin.beforeBody)
    .use(jsonBody(bodyBytesMax))
    .post(
      "/admin/revoke",
      async (context) => {
        if (!issuesTokens) throw new PathUnknown("no session tokens");
        const { body, status } = context;
        const { loginId } = body;
        const named = loginId === undefined ? body : { loginId: parseLoginId(loginId, loginIdCase) };
        const call = { ...adminCall(context), ...named };
        const revocation = { ...call, event: "revocation" } as const;
        await audited(audit, call, () => audited(audit, revocation, () => revoke(named)));
        const [what] = Object.keys(body);
        logger.info({ requestId: call.requestId, what }, "revoked");
        return status(204, undefined);
      },
      { parse: "json", body: OneOfThree, response: { 204: Type.Void() } },
    );
}
