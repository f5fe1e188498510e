import { join } from "node:path";
import { launchFromCompose } from "./compose-server.ts";
import { type Account, runForOutput, serviceAccount } from "./run-for-output.ts";
import { runStatement, sqlServer } from "./run-statement.ts";
import { type RunningServer, shareServer } from "./running-servers.ts";
import { programPath } from "./server-binaries.ts";
import { giveTo, serverFolder } from "./server-folder.ts";
import { launchServer } from "./server-process.ts";
import { createTlsCertificates } from "./tls-certificates.ts";

export interface MariadbOptions {
  /** Server variables, e.g. `{ "max-connections": "20" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether connections without TLS are refused. */
  readonly tls?: boolean;
}

export interface MariadbServer extends RunningServer {
  /** Returns the URL of the superuser `root`, with the password. The database `ownid` exists from the start. */
  url(database?: string, scheme?: "mysql" | "mariadb"): string;
  /** Creates an empty database and returns its `mysql:` URL. */
  createDatabase(name: string): Promise<string>;
  /** Returns the authority to trust. @throws {Error} the server was started without `tls` */
  caFile(): string;
}

const password = "only-for-tests";
/** The MariaDB that this test process shares. Use your own database on it, and never stop it. */
export const sharedMariadb = shareServer(startMariadb);

/**
 * Starts a private MariaDB with utf8mb4 throughout.
 *
 * @throws {ServerUnavailable} the machine has none, or has only Docker and options were given
 */
export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const inDocker = await launchFromCompose("mariadb", options);
  if (inDocker !== null) return withConnections(inDocker, null);
  const account = serviceAccount("mysql");
  const dir = serverFolder("mariadb", account);
  const caFile = options.tls ? join(dir, "ca.pem") : null;
  const flags = await serverFlags(dir, options);
  giveTo(account, dir);
  await installDatabase(dir, account);
  const server = await launchServer({
    name: "MariaDB",
    dir,
    account,
    stopSignal: "SIGTERM",
    argv: (port) => [programPath("mariadbd"), ...storageFlags(dir), `--port=${port}`, ...flags],
    greet: (port) => runStatement(urlOf(port, "ownid"), caFile, "SELECT 1"),
  });
  return withConnections(server, caFile);
}

async function installDatabase(dir: string, account: Account | null): Promise<void> {
  const flags = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"];
  const argv = [programPath("mariadb-install-db"), ...storageFlags(dir), ...flags];
  await runForOutput(argv, { cwd: dir, account });
}

/**
 * Temporary tables get a folder as well, because each MariaDB that starts deletes what others have in the shared one.
 */
function storageFlags(dir: string): string[] {
  const files = [`--datadir=${join(dir, "data")}`, `--tmpdir=${dir}`];
  return ["--no-defaults", ...files, "--innodb-log-file-size=16M"];
}

async function serverFlags(dir: string, options: MariadbOptions): Promise<string[]> {
  const firstStatements = [
    `CREATE USER IF NOT EXISTS root@'127.0.0.1';`,
    `ALTER USER root@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;`,
    "CREATE DATABASE IF NOT EXISTS ownid;",
  ];
  await Bun.write(join(dir, "init.sql"), `${firstStatements.join("\n")}\n`);
  const tls = options.tls ? await createTlsCertificates(dir) : null;
  const settings: Record<string, string> = {
    "bind-address": "127.0.0.1",
    socket: join(dir, "socket"),
    "pid-file": join(dir, "pid"),
    "init-file": join(dir, "init.sql"),
    "character-set-server": "utf8mb4",
    "skip-name-resolve": "ON",
    // A commit reaches the system immediately and the disk within a second. It survives kill(), but not a crash of
    // the machine.
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-buffer-pool-size": "32M",
    ...(tls
      ? {
          "ssl-ca": tls.caFile,
          "ssl-cert": tls.certificateFile,
          "ssl-key": tls.keyFile,
          "require-secure-transport": "ON",
        }
      : {}),
    ...options.settings,
  };
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
}

function withConnections(server: RunningServer, caFile: string | null): MariadbServer {
  const url = (database = "ownid", scheme: "mysql" | "mariadb" = "mysql") =>
    urlOf(server.port, database, scheme);
  return Object.assign(server, { url, ...sqlServer({ url, caFile, quote: "`" }) });
}

function urlOf(port: number, database: string, scheme = "mysql"): string {
  return `${scheme}://root:${password}@127.0.0.1:${port}/${database}`;
}
