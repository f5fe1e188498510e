import { Type } from "@sinclair/typebox";
import { type ErrorCode, RequestInvalid, type SidecarError } from "../errors.ts";

/** A problem body (RFC 9457, `application/problem+json`). It never contains anything from the request. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Number(),
  code: Type.String(),
  detail: Type.String(),
  requestId: Type.String(),
});

interface Answer {
  readonly status: number;
  readonly title: string;
  /** What the caller can do about it. */
  readonly detail: string;
  readonly retryAfterSeconds?: number;
}

/** The only table of statuses: what each failure is answered with. */
export const answers: Readonly<Record<ErrorCode, Answer>> = {
  ERR_REQUEST_INVALID: {
    status: 400,
    title: "The request body is not valid",
    detail: "Send the JSON object that this endpoint describes, in UTF-8.",
  },
  ERR_SIGNATURE_INVALID: {
    status: 401,
    title: "The signature is not valid",
    detail:
      "Sign the raw body and the timestamp with the application's Shared Secret, and send both headers once. " +
      "Check the Shared Secret on both sides and the clocks.",
  },
  ERR_TOKEN_INVALID: {
    status: 401,
    title: "The bearer token is missing or wrong",
    detail: "Send Authorization: Bearer with the token of this route.",
  },
  ERR_PATH_UNKNOWN: { status: 404, title: "There is no such path", detail: "Check the path, and BASE_PATH." },
  ERR_USER_UNKNOWN: {
    status: 404,
    title: "No such user",
    detail: "The user table has no user with this login id.",
  },
  ERR_METHOD_NOT_ALLOWED: {
    status: 405,
    title: "This path does not accept the method",
    detail: "Use a method that the Allow header names.",
  },
  ERR_BODY_TOO_LARGE: {
    status: 413,
    title: "The request body is too large",
    detail: "Send less, or raise BODY_BYTES_MAX.",
  },
  ERR_OWNID_DATA_TOO_LONG: {
    status: 413,
    title: "ownIdData is too long for the user table",
    detail: "Widen the column that USERS_OWNID_DATA_COLUMN names. Nothing was written.",
  },
  ERR_MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    title: "The request body has the wrong media type",
    detail:
      "Send Content-Type: application/json, or application/x-www-form-urlencoded to /introspect and " +
      "/session/exchange, without a Content-Encoding.",
  },
  ERR_USER_BLOCKED: { status: 423, title: "The user is blocked", detail: "The site has blocked this user." },
  ERR_SESSION_INVALID: {
    status: 401,
    title: "The session is not valid",
    detail: "The token is missing, not valid now, or revoked. Log in again.",
  },
  ERR_HANDOFF_EXCHANGED: {
    status: 409,
    title: "The hand-off token has been exchanged",
    detail: "Each is exchanged once. Use the session token of the first exchange, or log in again.",
  },
  ERR_OVERLOADED: {
    status: 429,
    title: "Too many statements are waiting for the database",
    detail: "Nothing was done. Try again a little later.",
    retryAfterSeconds: 1,
  },
  ERR_TOO_MANY_FAILURES: {
    status: 429,
    title: "Too many requests had a wrong bearer token",
    detail: "Send Authorization: Bearer with the token of this route.",
    retryAfterSeconds: 60,
  },
  ERR_DATABASE_UNAVAILABLE: {
    status: 503,
    title: "The user database does not answer",
    detail: "Nothing was written. The sidecar's log tells the operator why.",
    retryAfterSeconds: 1,
  },
  ERR_REDIS_UNAVAILABLE: {
    status: 503,
    title: "Redis does not answer",
    detail: "Nothing was written. GET /readyz on the ops listener tells the operator why.",
    retryAfterSeconds: 1,
  },
  ERR_SESSIONS_UNAVAILABLE: {
    status: 503,
    title: "The record of revoked sessions does not answer",
    detail: "Try again. A revocation or an exchange may have taken effect. The sidecar's log has the reason.",
    retryAfterSeconds: 1,
  },
  ERR_SESSION_ROW_UNFIT: {
    status: 503,
    title: "The user's row cannot give a session",
    detail: "A column that sessions are configured to read does not fit. The sidecar's log names it.",
    retryAfterSeconds: 5,
  },
  ERR_SESSION_PROVIDER_UNAVAILABLE: {
    status: 503,
    title: "The site gives no session",
    detail: "The endpoint at SESSION_URL gave no usable answer. The sidecar's log has the reason.",
    retryAfterSeconds: 1,
  },
  ERR_HASH_STALE: {
    status: 503,
    title: "Redis and the user database disagreed",
    detail:
      "Nothing was done, and sessions and writes of this user are refused until a lookup has read the row. " +
      "If this happens often, something else writes to one of them.",
    retryAfterSeconds: 1,
  },
  ERR_REQUEST_REPLAYED: {
    status: 503,
    title: "This signed request may already be in flight",
    detail: "Sign a new request and try again.",
    retryAfterSeconds: 1,
  },
  ERR_WRITE_CONTENDED: {
    status: 503,
    title: "Other writers are changing the same user",
    detail: "Nothing was written. Read again, then try again.",
    retryAfterSeconds: 1,
  },
  ERR_WRITE_SUPPRESSED: {
    status: 503,
    title: "The user table discards the change",
    detail:
      "Nothing was written. A trigger, a rule or row-level security of the user table keeps the row from changing.",
    retryAfterSeconds: 5,
  },
  ERR_VALUE_ALTERED: {
    status: 503,
    title: "The row does not hold what was sent",
    detail:
      "The UPDATE was committed, but the row holds another value, or is gone. A trigger of the user table may change " +
      "what is written, or another writer has changed the row since. Read again to see which value holds.",
    retryAfterSeconds: 5,
  },
  ERR_OUTCOME_UNKNOWN: {
    status: 503,
    title: "It is not known whether the row holds what was sent",
    detail: "Read again to see which value holds, then try again.",
    retryAfterSeconds: 5,
  },
  ERR_ERASURE_INCOMPLETE: {
    status: 503,
    title: "The user's data is not erased everywhere",
    detail: "The row no longer holds any of it. Repeat the request until it succeeds.",
    retryAfterSeconds: 1,
  },
  ERR_INTERNAL: {
    status: 500,
    title: "The sidecar failed",
    detail: "Its log has the reason under the requestId.",
  },
};

/** Builds the answer from the code alone. Only after `RequestInvalid`, it also says what is wrong, in our own words. */
export function problemResponse(error: SidecarError, requestId: string): Response {
  const { code } = error;
  const { status, title, detail, retryAfterSeconds } = answers[code];
  const headers = new Headers();
  if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
  if (code === "ERR_USER_UNKNOWN") return new Response(null, { status, headers });
  headers.set("content-type", "application/problem+json");
  const explained = error instanceof RequestInvalid && error.message !== "" ? error.message : detail;
  const type = `urn:ownid-sidecar:problem:${code}`;
  return new Response(JSON.stringify({ type, title, status, code, detail: explained, requestId }), {
    status,
    headers,
  });
}

/** The failures of the signed endpoints, for their typed routes and the OpenAPI document. */
export const failureResponses = {
  400: Problem,
  401: Problem,
  404: Type.Void(),
  413: Problem,
  415: Problem,
  423: Problem,
  429: Problem,
  503: Problem,
};
