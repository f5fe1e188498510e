import { SQL } from "bun";
import { codeOf } from "../../error-code.ts";

/**
 * What a failed statement means.
 *
 * `not done` and `busy`: the database reported that it did nothing; `busy` may be retried at once. `unknown`: a write
 * may have been committed. `half done`: the statement failed, and may have changed the row. `too long`: the value does
 * not fit. `incomparable`: the column's character set cannot encode the login id, so no user has it. `replica`: nothing
 * was done, because the server is read-only; new connections may lead to the primary. `table changed`: nothing was done,
 * because a name or a type is not what the statement was written for. `forbidden`, `misfit`: a privilege is missing or
 * the configuration is wrong; a retry will not help.
 */
export interface SqlFailure {
  readonly meaning:
    | "not done"
    | "busy"
    | "unknown"
    | "half done"
    | "too long"
    | "incomparable"
    | "replica"
    | "table changed"
    | "forbidden"
    | "misfit";
  /**
   * The reason for the operator, made of our own words and the database's error code only, since its text may quote
   * data.
   */
  readonly reason: string;
  readonly fix: string;
}

/** No answer came back, so a write may have been committed. */
export const connectionLost: SqlFailure = {
  meaning: "unknown",
  reason: "the connection to the database was lost or timed out",
  fix: "check the database's own log and the network between",
};

/**
 * The error is not known to mean that nothing was done. An error of a proxy that has lost its server, or of a commit
 * that failed half-way, can look like the server's own.
 */
export const outcomeOpen: SqlFailure = {
  meaning: "unknown",
  reason:
    "the database, or a proxy before it, reports an error that does not say whether the statement was done",
  fix: "check the log of the database, and of the proxy between",
};

/** The server reported that it did nothing. Nothing more is known. */
export const statementRefused: SqlFailure = {
  meaning: "not done",
  reason: "the database refused the statement",
  fix: "check the database's own log for the statement and the reason",
};

/** The table has other names or types than those that the statement was written for. */
export const tableChanged: SqlFailure = {
  meaning: "table changed",
  reason: "the table is not what it was when it was examined",
  fix: "check whether the table and its columns still are as the settings say",
};

export const generatedColumn: SqlFailure = {
  meaning: "misfit",
  reason: "the ownIdData column is generated from others, so nobody can write it",
  fix: "name a plain text column in USERS_OWNID_DATA_COLUMN",
};

/** The server is read-only, because it is or has become a replica. */
export const readOnlyServer: SqlFailure = {
  meaning: "replica",
  reason: "the database is read-only: a replica",
  fix: "point DATABASE_URL at the primary",
};

/** The statement is known never to have reached a server. The reason is the same in every dialect. */
export const connectionRefused: SqlFailure = {
  meaning: "not done",
  reason: "nothing answers at the database's address",
  fix: "start the database, or correct host and port in DATABASE_URL",
};

/**
 * Returns the failure if the connection ended before anything was sent, because the server could not prove its
 * identity. Returns `null` for any other error.
 */
export function certificateRefused(error: unknown): SqlFailure | null {
  const code = codeOf(error);
  if (error instanceof SQL.SQLError || !/CERT|ISSUER|SIGNATURE|ALTNAME/.test(code)) return null;
  return {
    meaning: "not done",
    reason: `the database's certificate is not valid (${code})`,
    fix: certificateRemedy(code),
  };
}

function certificateRemedy(code: string): string {
  if (code.includes("ALTNAME"))
    return "write the host name that the certificate was issued for in DATABASE_URL";
  if (/EXPIRED|NOT_YET_VALID/.test(code)) return "renew the certificate, or correct this machine's clock";
  return "name the file of the authority that issued the certificate in DATABASE_TLS_CA_FILE";
}
