import type { RawAnswer } from "../../scripts/client/raw-http.ts";
import type { Answer } from "../../scripts/client/signed-client.ts";

interface ProblemTexts {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/** The statuses and texts that callers receive, word for word. They are written independently of the production code. */
const texts = {
  ERR_REQUEST_INVALID: {
    status: 400,
    title: "The request body is not valid",
    detail: "Send the JSON object that this endpoint describes, in UTF-8.",
  },
  ERR_SIGNATURE_INVALID: {
    status: 401,
    title: "The signature is not valid",
    detail:
      "Sign the raw body and the timestamp with the application's Shared Secret, and send both headers once. Check the Shared Secret on both sides and the clocks.",
  },
  ERR_TOKEN_INVALID: {
    status: 401,
    title: "The bearer token is missing or wrong",
    detail: "Send Authorization: Bearer with the token of this route.",
  },
  ERR_PATH_UNKNOWN: { status: 404, title: "There is no such path", detail: "Check the path, and BASE_PATH." },
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
      "Send Content-Type: application/json, or application/x-www-form-urlencoded to /introspect and /session/exchange, without a Content-Encoding.",
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
  },
  ERR_TOO_MANY_FAILURES: {
    status: 429,
    title: "Too many requests had a wrong bearer token",
    detail: "Send Authorization: Bearer with the token of this route.",
  },
  ERR_DATABASE_UNAVAILABLE: {
    status: 503,
    title: "The user database does not answer",
    detail: "Nothing was written. The sidecar's log tells the operator why.",
  },
  ERR_REDIS_UNAVAILABLE: {
    status: 503,
    title: "Redis does not answer",
    detail: "Nothing was written. GET /readyz on the ops listener tells the operator why.",
  },
  ERR_SESSIONS_UNAVAILABLE: {
    status: 503,
    title: "The record of revoked sessions does not answer",
    detail: "Try again. A revocation or an exchange may have taken effect. The sidecar's log has the reason.",
  },
  ERR_SESSION_ROW_UNFIT: {
    status: 503,
    title: "The user's row cannot give a session",
    detail: "A column that sessions are configured to read does not fit. The sidecar's log names it.",
  },
  ERR_SESSION_PROVIDER_UNAVAILABLE: {
    status: 503,
    title: "The site gives no session",
    detail: "The endpoint at SESSION_URL gave no usable answer. The sidecar's log has the reason.",
  },
  ERR_HASH_STALE: {
    status: 503,
    title: "Redis and the user database disagreed",
    detail:
      "Nothing was done, and sessions and writes of this user are refused until a lookup has read the row. If this happens often, something else writes to one of them.",
  },
  ERR_REQUEST_REPLAYED: {
    status: 503,
    title: "This signed request may already be in flight",
    detail: "Sign a new request and try again.",
  },
  ERR_WRITE_CONTENDED: {
    status: 503,
    title: "Other writers are changing the same user",
    detail: "Nothing was written. Read again, then try again.",
  },
  ERR_WRITE_SUPPRESSED: {
    status: 503,
    title: "The user table discards the change",
    detail:
      "Nothing was written. A trigger, a rule or row-level security of the user table keeps the row from changing.",
  },
  ERR_VALUE_ALTERED: {
    status: 503,
    title: "The row does not hold what was sent",
    detail:
      "The UPDATE was committed, but the row holds another value, or is gone. A trigger of the user table may change what is written, or another writer has changed the row since. Read again to see which value holds.",
  },
  ERR_OUTCOME_UNKNOWN: {
    status: 503,
    title: "It is not known whether the row holds what was sent",
    detail: "Read again to see which value holds, then try again.",
  },
  ERR_ERASURE_INCOMPLETE: {
    status: 503,
    title: "The user's data is not erased everywhere",
    detail: "The row no longer holds any of it. Repeat the request until it succeeds.",
  },
  ERR_INTERNAL: {
    status: 500,
    title: "The sidecar failed",
    detail: "Its log has the reason under the requestId.",
  },
} as const satisfies Record<string, ProblemTexts>;

export type ProblemCode = keyof typeof texts;

/**
 * Returns the whole answer of a failure, to be compared with `outcomeOf` of the actual answer. Its body follows RFC
 * 9457, and its `requestId` equals that of the header. For an invalid body, pass what is wrong with it as `detail`.
 */
export function problem(code: ProblemCode, detail: string = texts[code].detail) {
  const { status, title } = texts[code];
  return {
    status,
    type: "application/problem+json",
    body: {
      type: `urn:ownid-sidecar:problem:${code}`,
      title,
      status,
      code,
      detail,
      requestId: "as the header",
    },
  };
}

/** Returns the parts of an answer that a test compares: its status, its media type, and its whole body. */
export function outcomeOf({ status, headers, body }: Answer) {
  const type = headers.get("content-type");
  const parsed: unknown = type?.includes("json") ? JSON.parse(body) : body;
  const isProblem = typeof parsed === "object" && parsed !== null && "requestId" in parsed;
  const named = isProblem && parsed.requestId !== "" && parsed.requestId === headers.get("x-request-id");
  return { status, type, body: named ? { ...parsed, requestId: "as the header" } : parsed };
}

/** Does the same for an answer that was read directly from the connection. */
export function outcomeOfRaw({ status, headers, body }: RawAnswer) {
  return outcomeOf({ status, headers: new Headers(headers), body });
}

export const empty = (status: number) => ({ status, type: null, body: "" });

export const json = (status: number, body: unknown) => ({
  status,
  type: "application/json;charset=utf-8",
  body,
});
