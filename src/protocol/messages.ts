import { Type } from "@sinclair/typebox";

/** Without it, a body with a field that its schema does not name would be refused. */
const unknownFieldsIgnored = { additionalProperties: true };

/**
 * The request bodies of OwnID's Custom Integration API, with their names on the wire. `x-problem` is what the caller is
 * told if the field is wrong.
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

export const SetOwnIdDataRequest = Type.Object({ loginId, ownIdData }, unknownFieldsIgnored);

export const GetOwnIdDataRequest = Type.Object({ loginId }, unknownFieldsIgnored);

/**
 * A field that OwnID does not send to this endpoint. Since the path is not signed, a body that has it was signed for
 * another endpoint.
 */
const signedForAnother = (problem: string) => Type.Optional(Type.Never({ "x-problem": problem }));

/** With `REQUIRE_SESSION_TYPE=true`, a captured session request or `set` cannot be used as a lookup. */
export const StrictGetOwnIdDataRequest = Type.Object(
  {
    loginId,
    sessionType: signedForAnother("sessionType does not belong in a lookup."),
    ownIdData: signedForAnother("ownIdData does not belong in a lookup."),
  },
  unknownFieldsIgnored,
);

const notACapturedSet = signedForAnother("ownIdData does not belong in a session request.");
const sessionType = "Where the session will live: browser or mobile. Anything else counts as not given.";

export const GetSessionRequest = Type.Object(
  {
    loginId,
    sessionType: Type.Optional(Type.Unknown({ description: sessionType })),
    ownIdData: notACapturedSet,
  },
  unknownFieldsIgnored,
);

/**
 * With `REQUIRE_SESSION_TYPE=true`, `sessionType` distinguishes a session request from a captured lookup without any
 * memory of earlier requests.
 */
export const StrictGetSessionRequest = Type.Object(
  {
    loginId,
    sessionType: Type.String({ description: sessionType, "x-problem": "sessionType must be a string." }),
    ownIdData: notACapturedSet,
  },
  unknownFieldsIgnored,
);

export const OwnIdDataResponse = Type.Object({ ownIdData });

/** OwnID hands the object to the site's frontend. With `SESSION_PROVIDER=http`, it is whatever the site answered. */
export const SessionResponse = Type.Object(
  { token: Type.Optional(Type.String({ description: "A signed session token (JWS compact)." })) },
  { additionalProperties: true },
);

export const Empty = Type.Void();
