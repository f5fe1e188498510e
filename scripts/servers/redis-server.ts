import { join } from "node:path";
import { Redis } from "ioredis";
import { launchFromCompose } from "./compose-server.ts";
import { type RunningServer, shareServer } from "./running-servers.ts";
import { programPath } from "./server-binaries.ts";
import { serverFolder } from "./server-folder.ts";
import { launchServer } from "./server-process.ts";
import { createTlsCertificates } from "./tls-certificates.ts";

export interface RedisOptions {
  /** Settings for redis.conf, e.g. `{ appendonly: "yes", save: "1 1" }`. Nothing is persisted by default. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly password?: string;
  /** Lines of an ACL file, e.g. `user sidecar on >secret ~* +@all`. */
  readonly acl?: readonly string[];
  /** Whether only TLS is served. */
  readonly tls?: boolean;
  readonly replicaOf?: RedisServer;
}

export interface RedisServer extends RunningServer {
  /** Returns the URL, with the password if there is one; `rediss:` with TLS. */
  url(): string;
  /** Returns where it keeps dump.rdb and appendonlydir. @throws {Error} it runs in Docker */
  dir(): string;
  /** Returns the authority to trust. @throws {Error} the server was started without `tls` */
  caFile(): string;
}

/** The Redis that this test process shares. Use your own key prefix on it, and never stop it. */
export const sharedRedis = shareServer(startRedis);

/**
 * Starts a private Redis.
 *
 * @throws {ServerUnavailable} the machine has none, or has only Docker and options were given
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const inDocker = await launchFromCompose("redis", options);
  if (inDocker !== null) return withConnections(inDocker, {}, null);
  const dir = serverFolder("redis", null);
  const configuration = await writeConfiguration(dir, options);
  return launchRedis("Redis", dir, options, [configuration]);
}

/** Starts redis-server in any of its modes with these arguments and a port. */
export async function launchRedis(
  name: string,
  dir: string,
  options: RedisOptions,
  args: readonly string[],
): Promise<RedisServer> {
  const listen = (port: number) =>
    options.tls ? ["--port", "0", "--tls-port", `${port}`] : ["--port", `${port}`];
  const caFile = options.tls ? join(dir, "ca.pem") : null;
  const server = await launchServer({
    name,
    dir,
    account: null,
    stopSignal: "SIGTERM",
    argv: (port) => [programPath("redis-server"), ...args, ...listen(port)],
    greet: (port) => ping(port, options.password, caFile),
  });
  return withConnections(server, options, dir);
}

async function writeConfiguration(dir: string, options: RedisOptions): Promise<string> {
  const { password, replicaOf } = options;
  const tls = options.tls ? await createTlsCertificates(dir) : null;
  if (options.acl) await Bun.write(join(dir, "users.acl"), `${options.acl.join("\n")}\n`);
  const settings: Record<string, string> = {
    bind: "127.0.0.1",
    dir,
    save: '""',
    "repl-diskless-sync-delay": "0",
    ...(password ? { requirepass: JSON.stringify(password), masterauth: JSON.stringify(password) } : {}),
    ...(options.acl ? { aclfile: join(dir, "users.acl") } : {}),
    ...(tls ? { "tls-cert-file": tls.certificateFile, "tls-key-file": tls.keyFile } : {}),
    ...(tls ? { "tls-ca-cert-file": tls.caFile, "tls-auth-clients": "no" } : {}),
    ...(replicaOf ? { replicaof: `127.0.0.1 ${replicaOf.port}` } : {}),
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  const path = join(dir, "redis.conf");
  await Bun.write(path, lines.join(""));
  return path;
}

function withConnections(server: RunningServer, options: RedisOptions, dir: string | null): RedisServer {
  const credentials = options.password ? `:${encodeURIComponent(options.password)}@` : "";
  return Object.assign(server, {
    url: () => `${options.tls ? "rediss" : "redis"}://${credentials}127.0.0.1:${server.port}`,
    dir: () => {
      if (dir === null) throw new Error("this Redis keeps its files in a container");
      return dir;
    },
    caFile: () => {
      if (dir === null || !options.tls) throw new Error("this Redis was started without tls");
      return join(dir, "ca.pem");
    },
  });
}

async function ping(port: number, password: string | undefined, caFile: string | null): Promise<void> {
  const redis = new Redis({
    host: "127.0.0.1",
    port,
    ...(password ? { password } : {}),
    ...(caFile ? { tls: { ca: await Bun.file(caFile).text() } } : {}),
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: 1000,
    commandTimeout: 1000,
  });
  // Only the event contains what the server said; connect() rejects with "Connection is closed".
  let refusal = "";
  redis.on("error", (error) => {
    refusal = String(error);
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    // A server whose ACL refuses strangers answers as well.
    if (!/NOAUTH|WRONGPASS|NOPERM/.test(`${error} ${refusal}`)) throw error;
  } finally {
    redis.disconnect();
  }
}
