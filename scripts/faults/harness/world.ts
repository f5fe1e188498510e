import { type FaultProxy, startFaultProxy } from "../../servers/fault-proxy.ts";
import { type PostgresServer, startPostgres } from "../../servers/postgres-server.ts";
import { type RedisCluster, startRedisCluster } from "../../servers/redis-cluster.ts";
import { type RedisSentinel, startRedisSentinel } from "../../servers/redis-sentinel.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { shareServer } from "../../servers/running-servers.ts";
import { type Counters, type Sidecar, startSidecar, sum } from "./sidecar.ts";
import { createSite, type Site } from "./site.ts";

/** The constants of src/coherence/DESIGN.md, in milliseconds; T comes in whole seconds. */
export interface Times {
  /** D */ readonly statementMs: number;
  /** F */ readonly tokenMs: number;
  /** Q */ readonly quarantineMs: number;
  /** G */ readonly graceMs: number;
  /** T */ readonly ttlSeconds: number;
}

/** So small that a few seconds see values filled, hit, lapsed and filled again. */
const smallTimes: Times = {
  statementMs: 300,
  tokenMs: 1000,
  quarantineMs: 3000,
  graceMs: 1700,
  ttlSeconds: 2,
};

export type RedisKind = "single" | "cluster" | "sentinel" | "none";

export interface WorldOptions {
  readonly sidecars: number;
  readonly users: number;
  readonly redis?: RedisKind;
  readonly redisSettings?: Readonly<Record<string, string>>;
  readonly times?: Partial<Times>;
  /** Each sidecar reaches Redis (a single one only) and Postgres through proxies of its own. */
  readonly proxies?: boolean;
  /** A Postgres of its own, which may be killed. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** More settings of the sidecars. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A database of another kind than Postgres, or several; then there is no Postgres. */
  readonly openDatabase?: () => Promise<WorldDatabase>;
  /** And of one of them. */
  readonly settingsOf?: (number: number) => Readonly<Record<string, string>>;
}

export interface WorldDatabase extends AsyncDisposable {
  readonly site: Site;
  /** `DATABASE_URL` of each sidecar, in their order. */
  urlOf(number: number): string;
}

export interface Proxies {
  readonly redis: FaultProxy;
  readonly postgres: FaultProxy;
}

export interface World extends AsyncDisposable {
  readonly times: Times;
  readonly sidecars: readonly Sidecar[];
  readonly site: Site;
  readonly postgres: PostgresServer;
  /** The single Redis. */
  readonly redis: RedisServer;
  readonly cluster: RedisCluster;
  readonly sentinel: RedisSentinel;
  /** Of each sidecar, in their order. */
  readonly proxies: readonly Proxies[];
  /** Resolves once every sidecar may fill. */
  untilFilling(): Promise<void>;
  counted(): Promise<Counters>;
  /** What a sidecar is told that reaches the servers without proxies. */
  readonly settings: Readonly<Record<string, string>>;
  /** What one more process needs to work over the same servers, which it reaches through proxies of its own. */
  openWay(): Promise<Way>;
}

export interface Way {
  readonly settings: Readonly<Record<string, string>>;
  readonly proxies: Proxies;
}

let databases = 0;
/** The Postgres of all worlds that do not kill theirs: several at once, each with the pools of its sidecars. */
export const sharedPostgres = shareServer(() => startPostgres({ settings: { max_connections: "400" } }));

/** Real sidecars over a real Redis and a real table. `await using` ends all of it. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const rubble: Rubble = [];
  const dispose = async () => {
    for (const clear of rubble.splice(0).reverse()) await clear();
  };
  try {
    return Object.assign(await build(options, rubble), { [Symbol.asyncDispose]: dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** What is to be cleared away in the end, last things first. */
type Rubble = (() => Promise<void>)[];

async function build(options: WorldOptions, rubble: Rubble): Promise<Omit<World, keyof AsyncDisposable>> {
  const times = { ...smallTimes, ...options.times };
  const [database, redis] = await Promise.all([openDatabase(options, rubble), openRedis(options, rubble)]);
  const { site, urlOf } = database;
  const postgres = () => {
    if (database.postgres === null) throw new Error("this world has no Postgres");
    return database.postgres;
  };

  const behindProxies = options.proxies ? options.sidecars : 0;
  const proxies = await Promise.all(repeat(behindProxies, () => openProxies(postgres().port, redis, rubble)));
  const settingsThrough = (own: Proxies | undefined, number = 0) => ({
    ...coherenceSettings(times),
    ...redisSettings(redis, own?.redis.port),
    // They reach it through proxies of their own.
    REDIS_INSTALLATION: "faults",
    DATABASE_URL: own ? withPort(urlOf(number), own.postgres.port) : urlOf(number),
    ...options.settings,
  });
  const sidecars = await Promise.all(
    repeat(options.sidecars, async (number) => {
      const settings = { ...settingsThrough(proxies[number], number), ...options.settingsOf?.(number) };
      const sidecar = await startSidecar(String(number), settings);
      rubble.push(sidecar.remove);
      return sidecar;
    }),
  );

  return {
    times,
    settings: settingsThrough(undefined),
    sidecars,
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
    async untilFilling() {
      await Promise.all(sidecars.map((sidecar) => untilFilling(sidecar, times.graceMs + 10_000)));
    },
    counted: async () => sum(...(await Promise.all(sidecars.map((sidecar) => sidecar.counted())))),
    async openWay() {
      const own = await openProxies(postgres().port, redis, rubble);
      return { settings: settingsThrough(own), proxies: own };
    },
  };
}

type OpenRedis =
  | { readonly kind: "none"; readonly server: null }
  | { readonly kind: "single"; readonly server: RedisServer }
  | { readonly kind: "cluster"; readonly server: RedisCluster }
  | { readonly kind: "sentinel"; readonly server: RedisSentinel };

async function openRedis(
  { redis: kind = "single", redisSettings: settings = {} }: WorldOptions,
  rubble: Rubble,
): Promise<OpenRedis> {
  if (kind === "none") return { kind, server: null };
  if (kind === "cluster") {
    const server = await startRedisCluster({ settings });
    rubble.push(server.remove);
    return { kind, server };
  }
  if (kind === "sentinel") {
    const server = await startRedisSentinel();
    rubble.push(server.remove);
    return { kind, server };
  }
  const server = await startRedis({ settings: { "maxmemory-policy": "noeviction", ...settings } });
  rubble.push(() => server.remove());
  return { kind, server };
}

/** The site, where each sidecar finds it, and the Postgres that it is in, if it is in one. */
async function openDatabase(options: WorldOptions, rubble: Rubble) {
  if (options.openDatabase !== undefined) {
    const { site, urlOf, ...database } = await options.openDatabase();
    rubble.push(async () => database[Symbol.asyncDispose]());
    return { site, urlOf, postgres: null };
  }
  const postgres = await openPostgres(options, rubble);
  const url = await postgres.createDatabase(`faults${++databases}`);
  const site = await createSite(url, options.users);
  rubble.push(async () => site[Symbol.asyncDispose]());
  return { site, urlOf: () => url, postgres };
}

async function openPostgres(options: WorldOptions, rubble: Rubble): Promise<PostgresServer> {
  if (options.postgresSettings === undefined) return sharedPostgres();
  const postgres = await startPostgres({ settings: options.postgresSettings });
  rubble.push(() => postgres.remove());
  return postgres;
}

async function openProxies(postgresPort: number, redis: OpenRedis, rubble: Rubble): Promise<Proxies> {
  const open = async (port: number) => {
    const proxy = await startFaultProxy({ host: "127.0.0.1", port });
    rubble.push(() => proxy.stop());
    return proxy;
  };
  return { redis: await open(presentOf(redis, "single").server.port), postgres: await open(postgresPort) };
}

function presentOf<Kind extends RedisKind>(redis: OpenRedis, kind: Kind): Extract<OpenRedis, { kind: Kind }> {
  if (isOf(redis, kind)) return redis;
  throw new Error(`this world's Redis is "${redis.kind}", not "${kind}"`);
}

function isOf<Kind extends RedisKind>(
  redis: OpenRedis,
  kind: Kind,
): redis is Extract<OpenRedis, { kind: Kind }> {
  return redis.kind === kind;
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

function redisSettings(redis: OpenRedis, proxyPort: number | undefined): Record<string, string> {
  const addresses = (endpoints: readonly { host: string; port: number }[]) =>
    endpoints.map(({ host, port }) => `redis://${host}:${port}`).join(",");
  if (redis.kind === "none") return {};
  if (redis.kind === "single")
    return { REDIS_URL: withPort(redis.server.url(), proxyPort ?? redis.server.port) };
  const REDIS_URL = addresses(redis.server.endpoints());
  if (redis.kind === "cluster") return { REDIS_URL, REDIS_MODE: "cluster" };
  return { REDIS_URL, REDIS_MODE: "sentinel", REDIS_SENTINEL_MASTER: redis.server.masterName };
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href.replace(/\/$/, "");
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

function repeat<Value>(count: number, make: (number: number) => Value): Value[] {
  return Array.from({ length: count }, (_, number) => make(number));
}
