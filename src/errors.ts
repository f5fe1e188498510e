/**
 * Every failure a caller can meet has one class and one stable code. `http/problem.ts` alone turns a code
 * into a status; everything else throws these and names no status.
 *
 * Messages are written by us and are shown to callers: they never contain anything that was submitted.
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
  "ERR_HASH_STALE",
  "ERR_REQUEST_REPLAYED",
  "ERR_WRITE_CONTENDED",
  "ERR_WRITE_SUPPRESSED",
  "ERR_VALUE_ALTERED",
  "ERR_OUTCOME_UNKNOWN",
  "ERR_INTERNAL",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * Why a request was refused, for those codes whose cause the caller must not learn. The log and the metrics have it,
 * the answer never does.
 */
export const refusalReasons = {
  ERR_SIGNATURE_INVALID: [
    "signature header missing",
    "signature header repeated",
    "signature malformed",
    "signature not canonical",
    "timestamp header missing",
    "timestamp header repeated",
    "timestamp malformed",
    "timestamp in seconds",
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
  ],
} as const satisfies Partial<Record<ErrorCode, readonly string[]>>;

export type SignatureFault = (typeof refusalReasons.ERR_SIGNATURE_INVALID)[number];
export type PathFault = (typeof refusalReasons.ERR_PATH_UNKNOWN)[number];

export abstract class SidecarError extends Error {
  abstract readonly code: ErrorCode;
  /** One of `refusalReasons`, for the operator alone. */
  readonly reason: SignatureFault | PathFault | null = null;
}

/** The body is not the JSON the endpoint asks for. `message` says what to send instead. */
export class RequestInvalid extends SidecarError {
  readonly code = "ERR_REQUEST_INVALID";
}

/** The signature does not hold. The answer is the same for every reason, so that an attacker learns nothing from it. */
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

/** The directory has no user with this login id. Never remembered: the user may exist a second later. */
export class UserUnknown extends SidecarError {
  readonly code = "ERR_USER_UNKNOWN";
}

export class MethodNotAllowed extends SidecarError {
  readonly code = "ERR_METHOD_NOT_ALLOWED";
}

export class BodyTooLarge extends SidecarError {
  readonly code = "ERR_BODY_TOO_LARGE";
}

/** The user table's column cannot hold this `ownIdData`; nothing was written. */
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

/** The session or hand-off token is missing, not valid now, or revoked. The answer is the same for every reason. */
export class SessionInvalid extends SidecarError {
  readonly code = "ERR_SESSION_INVALID";
}

/** The hand-off token has been exchanged before. */
export class HandoffExchanged extends SidecarError {
  readonly code = "ERR_HANDOFF_EXCHANGED";
}

/** Too many requests came with a wrong bearer token lately. A request with the right one is not refused. */
export class TooManyFailures extends SidecarError {
  readonly code = "ERR_TOO_MANY_FAILURES";
}

/** More work is waiting for the database than it could answer in time; this request was not started. */
export class Overloaded extends SidecarError {
  readonly code = "ERR_OVERLOADED";
}

/**
 * The primary database gave no answer, and what was asked of it is known not to have been done.
 * `message` is the operator's reason (for the log and `readyz`), `fix` what would mend it.
 */
export class DatabaseUnavailable extends SidecarError {
  readonly code = "ERR_DATABASE_UNAVAILABLE";
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

/** Redis gave no clear answer where one is needed before the database may be touched; nothing was written. */
export class HotCopyUnavailable extends SidecarError {
  readonly code = "ERR_REDIS_UNAVAILABLE";
}

/**
 * The record of revoked sessions gave no certain answer, so no token can be called active. A revocation or an exchange
 * that was asked for may have been recorded. `message` is the operator's reason.
 */
export class SessionLedgerUnavailable extends SidecarError {
  readonly code = "ERR_SESSIONS_UNAVAILABLE";
}

/**
 * A user's hash contradicted the row, so that a caller may have acted on a value that the row did not hold: something
 * writes behind the sidecar's back. Nothing was done, and nothing is until the row has been read.
 */
export class HashStale extends SidecarError {
  readonly code = "ERR_HASH_STALE";
}

/** The first use of this signed request is still open, or may have been forgotten. */
export class RequestReplayed extends SidecarError {
  readonly code = "ERR_REQUEST_REPLAYED";
}

/** Other writers changed the same user's data again and again until the deadline; nothing was written. */
export class WriteContended extends SidecarError {
  readonly code = "ERR_WRITE_CONTENDED";
}

/**
 * The database found the row, said that it changed nothing, and shows the old value still: a trigger, a rule or row level
 * security of the table drops the change. Nothing was written.
 */
export class WriteSuppressed extends SidecarError {
  readonly code = "ERR_WRITE_SUPPRESSED";
}

/**
 * The UPDATE was committed, but the row does not hold what was sent: a trigger of the table has changed it, or another
 * writer has since.
 */
export class ValueAltered extends SidecarError {
  readonly code = "ERR_VALUE_ALTERED";
}

/** A write was sent and no clear answer came back: it may have been committed, now or a little later. */
export class OutcomeUnknown extends SidecarError {
  readonly code = "ERR_OUTCOME_UNKNOWN";
}

/** A fault of the sidecar's own. `cause` is what was thrown. */
export class InternalFault extends SidecarError {
  readonly code = "ERR_INTERNAL";
}

/**
 * The configuration cannot work. Ends the start with exit status 78 (`EX_CONFIG` of sysexits.h).
 * Each problem is a whole sentence that begins with the variable it is about; none contains a secret.
 */
export class ConfigurationInvalid extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
