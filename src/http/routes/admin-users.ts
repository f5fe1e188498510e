import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { HeldUser, OwnIdDataStore } from "../../coherence/ownid-data-store.ts";
import { RequestInvalid, UserUnknown } from "../../errors.ts";
import type { Logger } from "../../process/logger.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import type { UserRevocation } from "../../sessions/session-ledger.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import type { BearerGuard } from "../bearer-token.ts";
import { nameRequest } from "../request-id.ts";
import type { RevokeUser } from "../user-revocation.ts";

export interface AdminUsersOptions {
  readonly admin: BearerGuard;
  readonly store: Pick<OwnIdDataStore, "inspect" | "erase">;
  readonly sessions: Pick<Sessions, "userRevocation">;
  readonly revokeUser: RevokeUser;
  readonly loginIdCase: LoginIdCase;
  readonly logger: Logger;
}

const path = "/admin/users/:loginId";
const params = Type.Object({ loginId: Type.String({ description: "Percent-encoded as UTF-8" }) });
const query = Type.Object({
  include: Type.Optional(Type.Literal("ownIdData", { "x-problem": "include may only be ownIdData." })),
});

const HeldData = Type.Object({
  loginId: Type.String({ description: "As the user table spells it" }),
  enrolled: Type.Boolean({ description: "Whether the row holds ownIdData" }),
  blocked: Type.Boolean(),
  ownIdDataBytes: Type.Integer({ description: "Size of the ownIdData in the row, in UTF-8" }),
  readAt: Type.String({ description: "When the row was read, by the clock of the database" }),
  redis: Type.Object({
    ownIdDataBytes: Type.Integer({ description: "Size of the ownIdData in Redis; 0 if there is none" }),
    stale: Type.Boolean({
      description: "Whether Redis and the row have disagreed, and no lookup has read the row since",
    }),
    expiresInSeconds: Type.Union([Type.Integer(), Type.Null()], {
      description: "When Redis forgets the user; null if it holds nothing, or for ever",
    }),
  }),
  revocation: Type.Union([
    Type.Object({
      issuedUntil: Type.String({ description: "Tokens whose iat is no later than this are revoked" }),
      keptForSeconds: Type.Integer({ description: "How long the revocation is still remembered" }),
    }),
    Type.Null(),
  ]),
  ownIdData: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

/**
 * For the site, when a user asks what is kept about them, or wants it deleted: GET tells what the database, Redis and the
 * record of revocations hold, and DELETE erases the data in the first two and ends the user's sessions.
 */
export function adminUsers({ admin, store, sessions, revokeUser, loginIdCase, logger }: AdminUsersOptions) {
  /** Whoever has been deleted from the table may still have sessions, and a hash in Redis. */
  async function erase(loginId: string): Promise<void> {
    const isKnown = await store.erase(loginId).then(
      () => true,
      (error: unknown) => {
        if (error instanceof UserUnknown) return false;
        throw error;
      },
    );
    await revokeUser(loginId);
    if (!isKnown) throw new UserUnknown();
  }

  const loginIdOf = ({ url }: Request) => parseLoginId(lastSegmentOf(url), loginIdCase);

  return new Elysia()
    .use(admin.beforeParameters)
    .get(
      path,
      async ({ request, query }) => {
        const held = await store.inspect(loginIdOf(request));
        const data = describe(held, await sessions.userRevocation(held.user.loginId));
        return query.include === undefined ? data : { ...data, ownIdData: held.user.ownIdData };
      },
      { params, query, response: { 200: HeldData } },
    )
    .delete(
      path,
      async ({ request, set, status }) => {
        await erase(loginIdOf(request));
        logger.info({ requestId: nameRequest(set), audit: "erasure" }, "a user's data was erased");
        return status(204, undefined);
      },
      { params, response: { 204: Type.Void() } },
    );
}

/** Elysia replaces what is not UTF-8, so that the segment would name another user. */
function lastSegmentOf(url: string): string {
  const [path = ""] = url.split("?", 1);
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  } catch {
    throw new RequestInvalid("The path must end with a login id, percent-encoded as UTF-8.");
  }
}

function describe({ user, hot }: HeldUser, revocation: UserRevocation | null) {
  return {
    loginId: user.loginId,
    enrolled: bytesOf(user.ownIdData) > 0,
    blocked: user.blocked,
    ownIdDataBytes: bytesOf(user.ownIdData),
    readAt: new Date(user.databaseTimeMs).toISOString(),
    redis: {
      ownIdDataBytes: bytesOf(hot.value),
      stale: hot.isStale,
      expiresInSeconds: hot.expiresInMs === null ? null : Math.ceil(hot.expiresInMs / 1000),
    },
    revocation:
      revocation === null
        ? null
        : {
            issuedUntil: new Date(revocation.until * 1000).toISOString(),
            keptForSeconds: Math.ceil(revocation.keptForMs / 1000),
          },
  };
}

function bytesOf(text: string | null): number {
  return Buffer.byteLength(text ?? "");
}
