import { join } from "node:path";
import { launchFromCompose } from "./compose-server.ts";
import { type Account, runForOutput, serviceAccount } from "./run-for-output.ts";
import { runStatement, sqlServer } from "./run-statement.ts";
import { type RunningServer, shareServer } from "./running-servers.ts";
import { programPath } from "./server-binaries.ts";
import { giveTo, serverFolder } from "./server-folder.ts";
import { launchServer } from "./server-process.ts";
import { createTlsCertificates } from "./tls-certificates.ts";

export interface PostgresOptions {
  /** Settings for postgresql.conf, e.g. `{ max_connections: "20" }`. `fsync` is off by default. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether connections without TLS are refused. */
  readonly tls?: boolean;
}

export interface PostgresServer extends RunningServer {
  /**
   * Returns the URL of the superuser `postgres`, with the password. It says nothing about TLS, so give `caFile()` to
   * the client.
   */
  url(database?: string): string;
  /** Creates an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** Returns the authority to trust. @throws {Error} the server was started without `tls` */
  caFile(): string;
}

/**
 * With `tls`, this account can log in only with a client certificate of the server's authority. The test creates the
 * account.
 */
export const certifiedUser = "certified";
const password = "only-for-tests";
/** The Postgres that this test process shares. Use your own database on it, and never stop it. */
export const sharedPostgres = shareServer(startPostgres);

/**
 * Starts a private Postgres that accepts only passwords.
 *
 * @throws {ServerUnavailable} the machine has none, or has only Docker and options were given
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const inDocker = await launchFromCompose("postgres", options);
  if (inDocker !== null) return withConnections(inDocker, null);
  const account = serviceAccount("postgres");
  const dir = serverFolder("postgres", account);
  const caFile = options.tls ? join(dir, "ca.pem") : null;
  await createCluster(dir, account, options);
  const server = await launchServer({
    name: "Postgres",
    dir,
    account,
    stopSignal: "SIGINT",
    argv: (port) => [programPath("postgres"), "-D", join(dir, "data"), "-p", String(port)],
    greet: (port) => runStatement(urlOf(port, "postgres"), caFile, "SELECT 1"),
  });
  return withConnections(server, caFile);
}

async function createCluster(dir: string, account: Account | null, options: PostgresOptions): Promise<void> {
  const data = join(dir, "data");
  await Bun.write(join(dir, "password"), password);
  const tls = options.tls ? await createTlsCertificates(dir) : null;
  giveTo(account, dir);
  const access = ["--username=postgres", `--pwfile=${join(dir, "password")}`, "--auth=scram-sha-256"];
  const initdb = [programPath("initdb"), "-D", data, "--no-sync", "--encoding=UTF8", "--locale=C", ...access];
  await runForOutput(initdb, { cwd: dir, account });
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: "off",
    ...(tls
      ? { ssl: "on", ssl_cert_file: tls.certificateFile, ssl_key_file: tls.keyFile, ssl_ca_file: tls.caFile }
      : {}),
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  await Bun.write(join(data, "postgresql.auto.conf"), lines.join(""));
  const rules = tls
    ? [
        `hostssl all ${certifiedUser} 127.0.0.1/32 scram-sha-256 clientcert=verify-ca`,
        "hostssl all all 127.0.0.1/32 scram-sha-256",
      ]
    : ["host all all 127.0.0.1/32 scram-sha-256"];
  await Bun.write(join(data, "pg_hba.conf"), [...rules, "local all all scram-sha-256", ""].join("\n"));
}

function withConnections(server: RunningServer, caFile: string | null): PostgresServer {
  const url = (database = "postgres") => urlOf(server.port, database);
  return Object.assign(server, { url, ...sqlServer({ url, caFile, quote: '"' }) });
}

function urlOf(port: number, database: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
}
