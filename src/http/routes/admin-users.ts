import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { OwnIdDataStore } from "../../coherence/ownid-data-store.ts";
import { ErasureIncomplete, RequestInvalid, SidecarError, UserUnknown } from "../../errors.ts";
import type { Logger } from "../../process/logger.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { adminCall } from "../admin-call.ts";
import { audited } from "../audited.ts";
import type { BearerGuard, GuardedRequest } from "../bearer-token.ts";
import { describeHeldData, HeldData } from "../held-data.ts";
import type { RevokeUser } from "../user-revocation.ts";

export interface AdminUsersOptions {
  readonly admin: BearerGuard;
  readonly store: Pick<OwnIdDataStore, "inspect" | "erase">;
  readonly sessions: Pick<Sessions, "userRevocation">;
  readonly revokeUser: RevokeUser;
  /** Without tokens, there are no sessions to end. */
  readonly issuesTokens: boolean;
  readonly loginIdCase: LoginIdCase;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

const path = "/admin/users/:loginId";
const params = Type.Object({ loginId: Type.String({ description: "Percent-encoded as UTF-8" }) });
const query = Type.Object({
  include: Type.Optional(Type.Literal("ownIdData", { "x-problem": "include may only be ownIdData." })),
});

/**
 * For the site, when a user asks what is kept about them, or wants it deleted: GET tells what the database, Redis and the
 * record of revocations hold, and DELETE erases the data in the first two and ends the user's sessions.
 */
export function adminUsers(options: AdminUsersOptions) {
  const { admin, store, sessions, revokeUser, issuesTokens, loginIdCase, audit, logger } = options;

  async function show(loginId: string, withData: boolean) {
    const held = await store.inspect(loginId);
    const data = describeHeldData(held, await sessions.userRevocation(held.user.loginId));
    return withData ? { ...data, ownIdData: held.user.ownIdData } : data;
  }

  /** Whoever has been deleted from the table may still have sessions, and a hash in Redis. */
  async function erase(entry: ReturnType<typeof entryOf>): Promise<void> {
    const { loginId } = entry;
    const isKnown = await store.erase(loginId).then(() => true, unlessUnknown);
    if (issuesTokens) {
      const revocation = { ...entry, event: "revocation" } as const;
      await audited(audit, revocation, () => revokeUser(loginId)).catch(asIncomplete);
    }
    if (!isKnown) throw new UserUnknown();
  }

  function entryOf(context: GuardedRequest) {
    const loginId = parseLoginId(lastSegmentOf(context.request.url), loginIdCase);
    return { ...adminCall(context), loginId };
  }

  return new Elysia()
    .use(admin.beforeParameters)
    .get(
      path,
      (context) => {
        const entry = entryOf(context);
        const withData = context.query.include !== undefined;
        return audited(audit, entry, () => show(entry.loginId, withData));
      },
      { params, query, response: { 200: HeldData } },
    )
    .delete(
      path,
      async (context) => {
        const entry = entryOf(context);
        await audited(audit, entry, () => erase(entry));
        logger.info({ requestId: entry.requestId }, "a user's data was erased");
        return context.status(204, undefined);
      },
      { params, response: { 204: Type.Void() } },
    );
}

/** The codes of other failures promise that nothing was written, which is no longer true once the row is erased. */
function asIncomplete(error: unknown): never {
  throw error instanceof SidecarError ? new ErasureIncomplete(error.message || error.code) : error;
}

function unlessUnknown(error: unknown): boolean {
  if (error instanceof UserUnknown) return false;
  throw error;
}

/**
 * Decodes the login id from the URL itself. Elysia would replace bytes that are not UTF-8, and the path would then
 * name another user.
 *
 * @throws {RequestInvalid} it is not percent-encoded UTF-8
 */
function lastSegmentOf(url: string): string {
  const [path = ""] = url.split("?", 1);
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  } catch {
    throw new RequestInvalid("The path must end with a login id, percent-encoded as UTF-8.");
  }
}
