import { Type } from "@sinclair/typebox";

/**
 * The bodies of OwnID's Custom Integration API, names as on the wire. Unknown fields are ignored. What a
 * caller is told about a wrong field stands with the field, as `x-problem`.
 */
const loginId = Type.String({
  minLength: 1,
  description:
    "Who it is about, as the site's user table knows them: 1 to 320 characters, no control characters.",
  "x-problem": "loginId must be a string of 1 to 320 characters.",
});

const ownIdData = Type.String({
  description: "Opaque text that OwnID keeps with the user.",
  "x-problem": "ownIdData must be a string.",
});

export const SetOwnIdDataRequest = Type.Object({ loginId, ownIdData });

export const GetOwnIdDataRequest = Type.Object({ loginId });

/** A body with `ownIdData` is a captured `set` request sent here, since the path is not signed. */
const notACapturedSet = Type.Optional(
  Type.Never({ "x-problem": "ownIdData does not belong in a session request." }),
);

const sessionType = Type.Union([Type.Literal("browser"), Type.Literal("mobile")], {
  description: "Where the session will live.",
  "x-problem": 'sessionType must be "browser" or "mobile".',
});

export const GetSessionRequest = Type.Object({
  loginId,
  sessionType: Type.Optional(sessionType),
  ownIdData: notACapturedSet,
});

/** Tells a session request from a captured lookup without any state. */
export const GetTypedSessionRequest = Type.Object({ loginId, sessionType, ownIdData: notACapturedSet });

export const OwnIdDataResponse = Type.Object({ ownIdData });

export const SessionResponse = Type.Object({
  token: Type.String({
    description: "A signed session token (JWS compact); OwnID hands it to the site's frontend.",
  }),
});

export const Empty = Type.Void();
