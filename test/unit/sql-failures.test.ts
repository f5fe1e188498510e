import { describe, expect, test } from "bun:test";
import { SQL } from "bun";
import { mysqlFailure } from "../../src/directory/dialects/mysql-failures.ts";
import { postgresFailure } from "../../src/directory/dialects/postgres-failures.ts";
import { certificateRefused } from "../../src/directory/dialects/sql-failure.ts";

function mysqlError(errno: number, sqlState: string) {
  return new SQL.MySQLError("text", { code: "ERR_MYSQL_SERVER_ERROR", errno, sqlState });
}

function postgresError(errno: string, where?: string) {
  const options = { code: "ERR_POSTGRES_SERVER_ERROR", errno, detail: "", hint: "", severity: "ERROR" };
  return new SQL.PostgresError("text", where === undefined ? options : { ...options, where });
}

describe("an error of MySQL or MariaDB", () => {
  test.each([
    [2013, "HY000", "lost connection during the query, from a proxy"],
    [2006, "HY000", "the server has gone away, from a proxy"],
    [2003, "HY000", "MaxScale has lost its server"],
    [2027, "HY000", "malformed packet"],
    [9001, "HY000", "ProxySQL reached its limit of time"],
    [9002, "28000", "ProxySQL could not reach a server"],
    [2000, "42000", "a client's number, whatever class a proxy gives it"],
    [1026, "HY000", "the binary log could not be written"],
    [1030, "HY000", "the storage engine failed"],
    [1047, "08S01", "a Galera node that is cut off"],
    [1053, "08S01", "shutting down"],
    [1105, "HY000", "unknown error, as of Vitess and MaxScale"],
    [1152, "08S01", "aborted connection"],
    [1180, "HY000", "error during the commit"],
    [1317, "70100", "interrupted"],
    [1927, "70100", "connection killed"],
    [60_000, "HY000", "a number nobody knows"],
  ])("%p (%s) leaves the outcome of a write open: %s", (errno, sqlState) => {
    expect(mysqlFailure(mysqlError(errno, sqlState)).meaning).toBe("unknown");
  });

  test.each([
    [1045, "28000", "login refused"],
    [1064, "42000", "syntax"],
    [1205, "HY000", "lock wait timeout"],
    [1264, "22003", "out of range"],
    [1442, "HY000", "a trigger writes the table it is for"],
    [1452, "23000", "foreign key"],
    [1644, "45000", "a trigger's SIGNAL"],
    [4025, "23000", "a constraint of MariaDB"],
    [3819, "HY000", "a constraint of MySQL"],
  ])("%p (%s) is known to have changed nothing: %s", (errno, sqlState) => {
    expect(mysqlFailure(mysqlError(errno, sqlState)).meaning).toBe("not done");
  });
});

describe("an error of Postgres", () => {
  test.each([
    ["08006", "connection failure, from a pooler"],
    ["08P01", "PgBouncer has lost its server"],
    ["57P01", "admin shutdown"],
    ["57000", "operator intervention"],
    ["58000", "system error, as of PgCat and Odyssey"],
    ["58030", "input or output error"],
    ["XX000", "internal error, as of Pgpool and Supavisor"],
    ["40003", "statement completion unknown"],
    ["HV000", "a foreign server's error"],
    ["ZZ999", "a class nobody knows"],
  ])("%s leaves the outcome of a write open: %s", (errno) => {
    expect(postgresFailure(postgresError(errno)).meaning).toBe("unknown");
  });

  test.each([
    ["22003", "out of range"],
    ["23514", "check constraint"],
    ["42601", "syntax"],
    ["44000", "the check option of a view"],
    ["53100", "disk full"],
    ["55P03", "lock not available"],
    ["57014", "statement timeout"],
    ["P0001", "a trigger's RAISE"],
  ])("%s is known to have changed nothing: %s", (errno) => {
    expect(postgresFailure(postgresError(errno)).meaning).toBe("not done");
  });

  test("names the function in which it happened, and nothing else of its context", () => {
    const where =
      "SQL statement \"INSERT INTO audit VALUES ('secret')\"\nPL/pgSQL function audit_users() line 1 at SQL statement";
    const { meaning, reason } = postgresFailure(postgresError("42501", where));
    expect({ meaning, reason }).toEqual({
      meaning: "not done",
      reason: "a trigger or rule of the table failed in audit_users (SQLSTATE 42501)",
    });
  });

  test("does not take the values of a statement's parameters for a function", () => {
    const where = "unnamed portal with parameters: $1 = 'PL/pgSQL secret', $2 = 'ann'";
    expect(postgresFailure(postgresError("42501", where)).meaning).toBe("forbidden");
  });
});

test("a certificate that is refused is told with what corrects it", () => {
  const fixOf = (code: string) => certificateRefused(Object.assign(new Error("text"), { code }))?.fix;
  expect(fixOf("CERT_HAS_EXPIRED")).toContain("renew the certificate");
  expect(fixOf("ERR_TLS_CERT_ALTNAME_INVALID")).toContain("in DATABASE_URL");
  expect(fixOf("UNABLE_TO_VERIFY_LEAF_SIGNATURE")).toContain("DATABASE_TLS_CA_FILE");
  expect(fixOf("ECONNRESET")).toBeUndefined();
});
