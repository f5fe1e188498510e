/**
 * Each failure that a caller can see has one class and one stable code. `http/problem.ts` maps codes to statuses;
 * nothing else knows a status.
 *
 * Only the message of `RequestInvalid` is shown to callers; the others are for the log. None contains anything that was
 * submitted.
 */
export const errorCodes = [
  "ERR_REQUEST_INVALID",
  "ERR_SIGNATURE_INVALID",
  "ERR_TOKEN_INVALID",
  "ERR_PATH_UNKNOWN",
  "ERR_USER_UNKNOWN",
  "ERR_METHOD_NOT_ALLOWED",
  "ERR_BODY_TOO_LARGE",
  "ERR_OWNID_DATA_TOO_LONG",
  "ERR_MEDIA_TYPE_UNSUPPORTED",
  "ERR_USER_BLOCKED",
  "ERR_SESSION_INVALID",
  "ERR_HANDOFF_EXCHANGED",
  "ERR_OVERLOADED",
  "ERR_TOO_MANY_FAILURES",
  "ERR_DATABASE_UNAVAILABLE",
  "ERR_REDIS_UNAVAILABLE",
  "ERR_SESSIONS_UNAVAILABLE",
  "ERR_SESSION_ROW_UNFIT",
  "ERR_SESSION_PROVIDER_UNAVAILABLE",
  "ERR_HASH_STALE",
  "ERR_REQUEST_REPLAYED",
  "ERR_WRITE_CONTENDED",
  "ERR_WRITE_SUPPRESSED",
  "ERR_VALUE_ALTERED",
  "ERR_OUTCOME_UNKNOWN",
  "ERR_ERASURE_INCOMPLETE",
  "ERR_INTERNAL",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * Why a request failed, for those codes whose reason the caller must not learn. The log and the metrics contain
 * it, the answer does not.
 */
export const failureReasons = {
  ERR_SIGNATURE_INVALID: [
    "signature header missing",
    "signature header repeated",
    "signature malformed",
    "signature not canonical",
    "timestamp header missing",
    "timestamp header repeated",
    "timestamp malformed",
    "timestamp in seconds",
    "timestamp in microseconds",
    "timestamp too old",
    "timestamp in the future",
    "body reserialized after signing",
    "other secret or altered body",
    "used on another endpoint",
    "used before",
    "not verified",
  ],
  ERR_PATH_UNKNOWN: [
    "no such path",
    "other base path",
    "endpoint not supported",
    "no ADMIN_TOKEN",
    "no BACKEND_TOKEN",
    "no session tokens",
  ],
  ERR_SESSION_PROVIDER_UNAVAILABLE: [
    "not reached",
    "certificate refused",
    "TLS failed",
    "no answer in time",
    "answer lost",
    "redirect",
    "other status",
    "not a JSON object",
    "too large",
  ],
} as const satisfies Partial<Record<ErrorCode, readonly string[]>>;

export type SignatureFault = (typeof failureReasons.ERR_SIGNATURE_INVALID)[number];
export type PathFault = (typeof failureReasons.ERR_PATH_UNKNOWN)[number];
export type SessionProviderFault = (typeof failureReasons.ERR_SESSION_PROVIDER_UNAVAILABLE)[number];

export abstract class SidecarError extends Error {
  abstract readonly code: ErrorCode;
  /** One of `failureReasons`, for the operator only. */
  readonly reason: SignatureFault | PathFault | SessionProviderFault | null = null;
}

/** The body is not the JSON that the endpoint accepts. `message` says what to send instead. */
export class RequestInvalid extends SidecarError {
  readonly code = "ERR_REQUEST_INVALID";
}

/** The signature is not valid. The answer is the same for every reason, so that an attacker learns nothing from it. */
export class SignatureInvalid extends SidecarError {
  readonly code = "ERR_SIGNATURE_INVALID";
  override readonly reason: SignatureFault;

  constructor(reason: SignatureFault) {
    super();
    this.reason = reason;
  }
}

/** The bearer token of a private route is missing or wrong. */
export class TokenInvalid extends SidecarError {
  readonly code = "ERR_TOKEN_INVALID";
}

export class PathUnknown extends SidecarError {
  readonly code = "ERR_PATH_UNKNOWN";
  override readonly reason: PathFault;

  constructor(reason: PathFault) {
    super();
    this.reason = reason;
  }
}

/** The user table has no user with this login id. This is never cached, since the user may exist a second later. */
export class UserUnknown extends SidecarError {
  readonly code = "ERR_USER_UNKNOWN";
}

export class MethodNotAllowed extends SidecarError {
  readonly code = "ERR_METHOD_NOT_ALLOWED";
}

export class BodyTooLarge extends SidecarError {
  readonly code = "ERR_BODY_TOO_LARGE";
}

/** The column of the user table cannot hold this `ownIdData`. Nothing was written. */
export class OwnIdDataTooLong extends SidecarError {
  readonly code = "ERR_OWNID_DATA_TOO_LONG";
}

export class MediaTypeUnsupported extends SidecarError {
  readonly code = "ERR_MEDIA_TYPE_UNSUPPORTED";
}

/** The site has blocked this user (`USERS_BLOCKED_COLUMN`). */
export class UserBlocked extends SidecarError {
  readonly code = "ERR_USER_BLOCKED";
}

/**
 * The session token or hand-off token is missing, not valid now, or revoked. The answer is the same for every reason.
 */
export class SessionInvalid extends SidecarError {
  readonly code = "ERR_SESSION_INVALID";
}

/** The hand-off token has been exchanged before. */
export class HandoffExchanged extends SidecarError {
  readonly code = "ERR_HANDOFF_EXCHANGED";
  /** The session that the token belongs to, for the audit log. */
  readonly sid: string;

  constructor(sid: string) {
    super();
    this.sid = sid;
  }
}

/** Too many requests came with a wrong bearer token. A request with the right one is still accepted. */
export class TooManyFailures extends SidecarError {
  readonly code = "ERR_TOO_MANY_FAILURES";
}

/** More statements are waiting for the database than it could answer in time. This request was not started. */
export class Overloaded extends SidecarError {
  readonly code = "ERR_OVERLOADED";
}

/**
 * The primary database did not answer, and the work is known not to have been done. `message` is the reason for the
 * operator, shown in the log and in `readyz`; `fix` says what to do.
 */
export class DatabaseUnavailable extends SidecarError {
  readonly code = "ERR_DATABASE_UNAVAILABLE";
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

/** Redis did not answer clearly where an answer is required before the database may be touched. Nothing was written. */
export class HotCopyUnavailable extends SidecarError {
  readonly code = "ERR_REDIS_UNAVAILABLE";
}

/**
 * The record of revoked sessions did not answer, so no token can be called active. A revocation or an exchange that
 * was requested may have been recorded. `message` is the reason for the operator.
 */
export class SessionLedgerUnavailable extends SidecarError {
  readonly code = "ERR_SESSIONS_UNAVAILABLE";
}

/**
 * The user's row cannot give a session: it has no subject, or a value that does not fit into a token. `message` is the
 * reason for the operator; it names the column, and no value.
 */
export class SessionRowUnfit extends SidecarError {
  readonly code = "ERR_SESSION_ROW_UNFIT";
}

/**
 * The site's endpoint (`SESSION_URL`) gave no session. `message` is the reason for the operator, and `reason` the same for
 * the metrics.
 */
export class SessionProviderUnavailable extends SidecarError {
  readonly code = "ERR_SESSION_PROVIDER_UNAVAILABLE";
  override readonly reason: SessionProviderFault;

  constructor(reason: SessionProviderFault, message: string) {
    super(message);
    this.reason = reason;
  }

  /** Whether the request may have reached the site, which may then have made a session. */
  get mayHaveMadeSession(): boolean {
    return this.reason !== "not reached" && this.reason !== "certificate refused";
  }
}

/**
 * A user's hash contradicted the row, so the caller may have acted on a value that the row did not hold. Something
 * else writes to the table or to Redis. Nothing was done, and sessions and writes stay refused until a lookup has
 * read the row.
 */
export class HashStale extends SidecarError {
  readonly code = "ERR_HASH_STALE";
}

/** The first use of this signed request is still in flight, or may have been forgotten. */
export class RequestReplayed extends SidecarError {
  readonly code = "ERR_REQUEST_REPLAYED";
}

/** Other writers kept changing the same user's data, or `sync push` has the write lock. Nothing was written. */
export class WriteContended extends SidecarError {
  readonly code = "ERR_WRITE_CONTENDED";
}

/**
 * The database found the row and reported no change, and the row still holds the old value: a trigger, a rule or row-
 * level security of the table discards the change. Nothing was written.
 */
export class WriteSuppressed extends SidecarError {
  readonly code = "ERR_WRITE_SUPPRESSED";
}

/**
 * The UPDATE was committed, but the row does not hold what was sent: a trigger of the table or a later writer has
 * changed it.
 */
export class ValueAltered extends SidecarError {
  readonly code = "ERR_VALUE_ALTERED";
}

/** A write was sent, and no clear answer came back. It may have been committed, or may still be. */
export class OutcomeUnknown extends SidecarError {
  readonly code = "ERR_OUTCOME_UNKNOWN";
}

/**
 * A user's data was erased from the row, but perhaps not from Redis, or their sessions may go on. The erasure may be
 * repeated. `message` is the operator's reason.
 */
export class ErasureIncomplete extends SidecarError {
  readonly code = "ERR_ERASURE_INCOMPLETE";
}

/** A defect of the sidecar. `cause` is what was thrown. */
export class InternalFault extends SidecarError {
  readonly code = "ERR_INTERNAL";
}

/**
 * The configuration cannot work. The process exits with status 78 (`EX_CONFIG` of sysexits.h). Each problem is a full
 * sentence that begins with the name of the variable, and none contains a secret.
 */
export class ConfigurationInvalid extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
