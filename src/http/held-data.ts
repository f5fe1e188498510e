import { Type } from "@sinclair/typebox";
import type { HeldUser } from "../coherence/ownid-data-store.ts";
import type { UserRevocation } from "../sessions/session-ledger.ts";

/** The answer of `GET /admin/users/{loginId}`. */
export const HeldData = Type.Object({
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
      description: "How soon Redis forgets the user; null if it holds nothing, or never forgets it",
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

/** Describes what is held about a user by sizes and times; `ownIdData` itself is left out. */
export function describeHeldData({ user, hot }: HeldUser, revocation: UserRevocation | null) {
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
