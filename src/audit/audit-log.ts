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

/** Names and identifiers that are no secrets. A `jti` or `sid` is in every token, but is not one. */
export type AuditDetail = "endpoint" | "call" | "jti" | "sid" | "sessionType" | "variable" | "kid";

export interface AuditEntry extends Readonly<Partial<Record<AuditDetail, string>>> {
  readonly event: AuditEvent;
  /** Who wanted it, as their signature or bearer token proves. */
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
  /** Takes one whole line. */
  readonly writeLine: (line: string) => void;
  readonly hashLoginId: HashLoginId;
  /** Milliseconds since the Unix epoch. */
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
