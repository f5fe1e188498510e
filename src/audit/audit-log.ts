import type { HashLoginId } from "./login-id-hash.ts";

/** What happened. `src/audit/README.md` says when each is written. */
export type AuditEvent =
  | "enrolment"
  | "session"
  | "exchange"
  | "replay_refused"
  | "stale_hit"
  | "revocation"
  | "key_change"
  | "admin_call";

/** None of these is a secret: a `jti` or a `sid` identifies a token or a session, but cannot be used in its place. */
export type AuditDetail = "endpoint" | "call" | "jti" | "sid" | "sessionType" | "variable" | "kid";

export interface AuditEntry extends Readonly<Partial<Record<AuditDetail, string>>> {
  readonly event: AuditEvent;
  /** The caller, as a signature or a bearer token proves. */
  readonly actor: "ownid" | "admin" | "backend" | "sidecar" | "unknown";
  /** `done`, or what happened instead, which is usually the code of an error. */
  readonly outcome: string;
  /** Written as a keyed hash. */
  readonly loginId?: string;
  /** The same id as in the answer and in the log. */
  readonly requestId?: string;
}

/** The record of who did what, for the site's own auditors. It never contains a token, `ownIdData` or a login id. */
export interface AuditLog {
  /** Never throws and never waits. */
  write(entry: AuditEntry): void;
}

export interface AuditLogOptions {
  /** Called with one complete line. */
  readonly writeLine: (line: string) => void;
  readonly hashLoginId: HashLoginId;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export const withoutAuditLog: AuditLog = { write() {} };

/** Writes one JSON object a line. */
export function createAuditLog({ writeLine, hashLoginId, now }: AuditLogOptions): AuditLog {
  return {
    write({ event, actor, outcome, loginId, ...details }) {
      const user = loginId === undefined ? {} : { loginIdHash: hashLoginId(loginId) };
      const time = new Date(now()).toISOString();
      writeLine(`${JSON.stringify({ time, event, actor, outcome, ...user, ...details })}\n`);
    },
  };
}
