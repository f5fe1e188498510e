import { type FaultProxy, startFaultProxy } from "../../servers/fault-proxy.ts";
import { type PostgresServer, startPostgres } from "../../servers/postgres-server.ts";
import type { RedisCluster } from "../../servers/redis-cluster.ts";
import type { RedisSentinel } from "../../servers/redis-sentinel.ts";
import type { RedisServer } from "../../servers/redis-server.ts";
import { shareServer } from "../../servers/running-servers.ts";
import {
  type OpenRedis,
  openRedis,
  presentOf,
  type RedisKind,
  redisSettings,
  withPort,
} from "./redis-of-world.ts";
import { type Counters, type Sidecar, startSidecar, sum } from "./sidecar.ts";
import { createSite, type Site } from "./site.ts";

/** The settings of the same names, in milliseconds; REDIS_TTL_SECONDS in seconds. */
export interface Times {
  readonly statementMs: number;
  readonly tokenMs: number;
  readonly quarantineMs: number;
  readonly graceMs: number;
  readonly ttlSeconds: number;
}

/**
 * These are so short that values are filled, hit and filled again after they have expired, all within a few seconds.
 */
const smallTimes: Times = {
  statementMs: 300,
  tokenMs: 1000,
  quarantineMs: 3000,
  graceMs: 1700,
  ttlSeconds: 2,
};

export interface WorldOptions {
  readonly sidecars: number;
  readonly users: number;
  readonly redis?: RedisKind;
  readonly redisSettings?: Readonly<Record<string, string>>;
  readonly times?: Partial<Times>;
  /** Whether each sidecar has its own proxies to Postgres and to Redis, which must be a single server. */
  readonly proxies?: boolean;
  /** If given, the world has its own Postgres with these settings, which may be killed. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** Additional settings of all sidecars. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The database, if it is not Postgres. It must be closed after the world. */
  readonly database?: WorldDatabase;
  /** Additional settings of one sidecar. */
  readonly settingsOf?: (number: number) => Readonly<Record<string, string>>;
}

export interface WorldDatabase {
  readonly site: Site;
  /** Returns the `DATABASE_URL` of a sidecar. */
  urlOf(number: number): string;
}

export interface Proxies {
  readonly redis: FaultProxy;
  readonly postgres: FaultProxy;
}

export interface World extends AsyncDisposable {
  readonly times: Times;
  readonly sidecars: readonly Sidecar[];
  /** @throws {Error} the world has no sidecar with this number, which begins at 0 */
  sidecar(number: number): Sidecar;
  readonly site: Site;
  readonly postgres: PostgresServer;
  /** The Redis of a world with a single one. */
  readonly redis: RedisServer;
  readonly cluster: RedisCluster;
  readonly sentinel: RedisSentinel;
  /** One for each sidecar, in their order. */
  readonly proxies: readonly Proxies[];
  /** @throws {Error} the sidecar with this number has no proxies */
  proxiesOf(number: number): Proxies;
  /** Resolves when every sidecar may fill. */
  untilFilling(): Promise<void>;
  counted(): Promise<Counters>;
  /** The settings of a sidecar that reaches the servers without proxies. */
  readonly settings: Readonly<Record<string, string>>;
  /** Opens proxies for another process. Returns them with the settings through which it reaches the same servers. */
  openRoute(): Promise<Route>;
}

export interface Route {
  readonly settings: Readonly<Record<string, string>>;
  readonly proxies: Proxies;
}

let databases = 0;
/** The Postgres of all worlds that do not kill it. It accepts the connections of several worlds at the same time. */
export const sharedPostgres = shareServer(() => startPostgres({ settings: { max_connections: "400" } }));

/** Starts real sidecars over a real Redis and a real table. `await using` stops all of it. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const cleanups: Cleanups = [];
  const dispose = async () => {
    for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
  };
  try {
    return Object.assign(await build(options, cleanups), { [Symbol.asyncDispose]: dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** What has to be stopped and removed at the end, in reverse order. */
type Cleanups = (() => Promise<void>)[];

async function build(options: WorldOptions, cleanups: Cleanups): Promise<Omit<World, keyof AsyncDisposable>> {
  const times = { ...smallTimes, ...options.times };
  const [database, redis] = await Promise.all([
    openDatabase(options, cleanups),
    openRedisOf(options, cleanups),
  ]);
  const { site, urlOf } = database;
  const postgres = () => {
    if (database.postgres === null) throw new Error("this world has no Postgres");
    return database.postgres;
  };

  const behindProxies = options.proxies ? options.sidecars : 0;
  const proxies = await Promise.all(
    repeat(behindProxies, () => openProxies(postgres().port, redis, cleanups)),
  );
  const settingsThrough = (own: Proxies | undefined, number = 0) => ({
    ...coherenceSettings(times),
    ...redisSettings(redis, own?.redis.port),
    // The proxies would otherwise make each sidecar look like a different installation.
    REDIS_INSTALLATION: "faults",
    DATABASE_URL: own ? withPort(urlOf(number), own.postgres.port) : urlOf(number),
    ...options.settings,
  });
  const sidecars = await Promise.all(
    repeat(options.sidecars, async (number) => {
      const settings = { ...settingsThrough(proxies[number], number), ...options.settingsOf?.(number) };
      const sidecar = await startSidecar(String(number), settings);
      cleanups.push(sidecar.remove);
      return sidecar;
    }),
  );

  return {
    times,
    settings: settingsThrough(undefined),
    sidecars,
    sidecar: (number) => presentAt(sidecars, number, "sidecar"),
    site,
    get postgres() {
      return postgres();
    },
    get redis() {
      return presentOf(redis, "single").server;
    },
    get cluster() {
      return presentOf(redis, "cluster").server;
    },
    get sentinel() {
      return presentOf(redis, "sentinel").server;
    },
    proxies,
    proxiesOf: (number) => presentAt(proxies, number, "proxies of sidecar"),
    async untilFilling() {
      await Promise.all(sidecars.map((sidecar) => untilFilling(sidecar, times.graceMs + 10_000)));
    },
    counted: async () => sum(...(await Promise.all(sidecars.map((sidecar) => sidecar.counted())))),
    async openRoute() {
      const own = await openProxies(postgres().port, redis, cleanups);
      return { settings: settingsThrough(own), proxies: own };
    },
  };
}

async function openRedisOf(
  { redis: kind = "single", redisSettings: settings = {} }: WorldOptions,
  cleanups: Cleanups,
): Promise<OpenRedis> {
  const redis = await openRedis(kind, settings);
  const { server } = redis;
  if (server !== null) cleanups.push(() => server.remove());
  return redis;
}

/** Opens the database. Returns the site, the address for each sidecar, and the Postgres server if there is one. */
async function openDatabase(options: WorldOptions, cleanups: Cleanups) {
  if (options.database !== undefined) return { ...options.database, postgres: null };
  const postgres = await openPostgres(options, cleanups);
  const url = await postgres.createDatabase(`faults${++databases}`);
  const site = await createSite(url, options.users);
  cleanups.push(async () => site[Symbol.asyncDispose]());
  return { site, urlOf: () => url, postgres };
}

async function openPostgres(options: WorldOptions, cleanups: Cleanups): Promise<PostgresServer> {
  if (options.postgresSettings === undefined) return sharedPostgres();
  const postgres = await startPostgres({ settings: options.postgresSettings });
  cleanups.push(() => postgres.remove());
  return postgres;
}

async function openProxies(postgresPort: number, redis: OpenRedis, cleanups: Cleanups): Promise<Proxies> {
  const open = async (port: number) => {
    const proxy = await startFaultProxy({ host: "127.0.0.1", port });
    cleanups.push(() => proxy.stop());
    return proxy;
  };
  return { redis: await open(presentOf(redis, "single").server.port), postgres: await open(postgresPort) };
}

function coherenceSettings(times: Times): Record<string, string> {
  return {
    COHERENCE_STATEMENT_MS: String(times.statementMs),
    COHERENCE_TOKEN_MS: String(times.tokenMs),
    COHERENCE_QUARANTINE_MS: String(times.quarantineMs),
    COHERENCE_GRACE_MS: String(times.graceMs),
    REDIS_TTL_SECONDS: String(times.ttlSeconds),
  };
}

async function untilFilling(sidecar: Sidecar, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const report = await sidecar.readiness().catch(() => null);
    if (report?.filling) return;
    await Bun.sleep(25);
  }
  throw new Error(`sidecar ${sidecar.name} does not fill within ${limitMs} ms`);
}

function presentAt<Item>(items: readonly Item[], number: number, what: string): Item {
  const item = items[number];
  if (item === undefined) throw new Error(`this world has no ${what} ${number}`);
  return item;
}

function repeat<Value>(count: number, make: (number: number) => Value): Value[] {
  return Array.from({ length: count }, (_, number) => make(number));
}
