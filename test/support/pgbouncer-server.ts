import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PostgresServer } from "../../scripts/servers/postgres-server.ts";
import { serviceAccount } from "../../scripts/servers/run-for-output.ts";
import { runStatement } from "../../scripts/servers/run-statement.ts";
import type { RunningServer } from "../../scripts/servers/running-servers.ts";
import { programPath, requirePrograms } from "../../scripts/servers/server-binaries.ts";
import { giveTo, serverFolder } from "../../scripts/servers/server-folder.ts";
import { launchServer } from "../../scripts/servers/server-process.ts";

export interface PgbouncerServer extends RunningServer {
  /** Returns the Postgres URL of that database through the pooler. Clients must not use named statements. */
  url(database?: string): string;
}

/**
 * Starts a pooler in transaction mode in front of this Postgres, for all its databases. `settings` are lines for
 * pgbouncer.ini, for example `{ default_pool_size: "2" }`.
 *
 * @throws {ServerUnavailable} pgbouncer is not on this machine
 */
export async function startPgbouncer(
  postgres: PostgresServer,
  settings: Readonly<Record<string, string>> = {},
): Promise<PgbouncerServer> {
  requirePrograms("pgbouncer");
  const account = serviceAccount("postgres");
  const dir = serverFolder("pgbouncer", account);
  const configuration = join(dir, "pgbouncer.ini");
  const { username, password } = new URL(postgres.url());
  await Bun.write(join(dir, "users.txt"), `"${username}" "${password}"\n`);
  giveTo(account, dir);
  const server = await launchServer({
    name: "pgbouncer",
    dir,
    account,
    stopSignal: "SIGTERM",
    argv: (port) => {
      // The port has no command-line option and must be in the file.
      writeFileSync(configuration, configurationFor(port, dir, postgres, settings));
      return [programPath("pgbouncer"), configuration];
    },
    greet: (port) => runStatement(throughPort(port, postgres.url()), null, "SELECT 1"),
  });
  return Object.assign(server, {
    url: (database?: string) => throughPort(server.port, postgres.url(database)),
  });
}

function configurationFor(
  port: number,
  dir: string,
  postgres: PostgresServer,
  settings: Readonly<Record<string, string>>,
): string {
  const all: Record<string, string> = {
    listen_addr: "127.0.0.1",
    listen_port: String(port),
    unix_socket_dir: "",
    auth_type: "scram-sha-256",
    auth_file: join(dir, "users.txt"),
    pool_mode: "transaction",
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const databases = `[databases]\n* = host=127.0.0.1 port=${postgres.port}`;
  return `${databases}\n[pgbouncer]\n${lines.join("\n")}\n`;
}

function throughPort(port: number, url: string): string {
  const rerouted = new URL(url);
  rerouted.port = String(port);
  return rerouted.href;
}
