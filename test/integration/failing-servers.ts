import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { type PostgresServer, startPostgres } from "../../scripts/servers/postgres-server.ts";

/** How to make a table `users`, and to look at a directory's connections, on each server that can be killed. */
export interface FailingServer {
  readonly kind: "postgres" | "mysql";
  readonly needs: "postgres" | "mariadb";
  readonly start: () => Promise<PostgresServer | MariadbServer>;
  readonly createTable: string;
  /** The server's own ids of the connections that are not the site's. */
  readonly connections: string;
  readonly kill: (id: unknown) => string;
  /** An account that a read-only server does not let write. */
  readonly account: { readonly username: string; readonly password: string; readonly sql: readonly string[] };
  readonly readOnlyCode: string;
  readonly readOnly: (on: boolean) => readonly string[];
  /** Has grown once one more UPDATE of a directory has ended. */
  readonly statementsEnded: string;
}

export const failingServers: readonly FailingServer[] = [
  {
    kind: "postgres",
    needs: "postgres",
    start: startPostgres,
    // A statement's trigger fires for one that changes no row, too.
    createTable: `
      CREATE TABLE users (email text PRIMARY KEY, data text);
      CREATE TABLE updates (id serial);
      CREATE FUNCTION note_update() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN INSERT INTO updates DEFAULT VALUES; RETURN NULL; END';
      CREATE TRIGGER note AFTER UPDATE ON users EXECUTE FUNCTION note_update()`,
    connections:
      "SELECT pid AS id FROM pg_stat_activity WHERE application_name = 'ownid-sidecar' ORDER BY pid",
    kill: (id) => `SELECT pg_terminate_backend(${id})`,
    account: { username: "app", password: "app", sql: ["CREATE ROLE app SUPERUSER LOGIN PASSWORD 'app'"] },
    readOnlyCode: "SQLSTATE 25006",
    readOnly: (on) => [
      `ALTER SYSTEM SET default_transaction_read_only = ${on ? "on" : "off"}`,
      "SELECT pg_reload_conf()",
    ],
    statementsEnded: "SELECT count(*) AS n FROM updates",
  },
  {
    kind: "mysql",
    needs: "mariadb",
    start: startMariadb,
    createTable: "CREATE TABLE users (email varchar(320) PRIMARY KEY, data text)",
    connections:
      "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user IN ('root', 'app') ORDER BY id",
    kill: (id) => `KILL ${id}`,
    account: {
      username: "app",
      password: "app",
      sql: [
        "CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app'",
        "GRANT SELECT, UPDATE ON users TO app@'127.0.0.1'",
      ],
    },
    readOnlyCode: "error 1290",
    readOnly: (on) => [`SET GLOBAL read_only = ${on ? "ON" : "OFF"}`],
    statementsEnded:
      "SELECT variable_value AS n FROM information_schema.global_status WHERE variable_name = 'Com_stmt_execute'",
  },
];
