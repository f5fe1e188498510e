import type { Cluster, Redis } from "ioredis";
import type { RedisSeat } from "../../src/redis/cluster.ts";
import { connectRedis, type RedisConnection } from "../../src/redis/connection.ts";
import { type Explanation, explainRedisFailure } from "../../src/redis/failures.ts";
import { createKeys, type Keys } from "../../src/redis/keys.ts";
import type { RedisConnectionOptions } from "../../src/redis/options.ts";
import { explainRole } from "../../src/redis/role.ts";
import { speakFor } from "../../src/redis/scripts.ts";
import { fine, type Verdict, wrong } from "./check.ts";
import { type ClockReading, readClock } from "./clock-checks.ts";
import type { ExaminedConfig } from "./examined-config.ts";
import { ifUnknown, notOpened, type Opened, type OpenOptions } from "./opened.ts";
import { type RedisCli, redisCli, requiresPassword } from "./redis-cli.ts";

export interface RedisMaster {
  readonly connection: Redis;
  /** The fields of INFO. */
  readonly info: RedisInfo;
  /** Read when the connection was made. */
  readonly clock: ClockReading;
  readonly host: string;
  readonly port: number;
  /** The beginning of a command line that reaches this server. */
  readonly cli: string;
}

export type RedisInfo = ReadonlyMap<string, string>;

/** The masters behind REDIS_URL, accessed in the same way as by the sidecar. */
export interface RedisServers {
  readonly options: RedisConnectionOptions;
  readonly client: Redis | Cluster;
  readonly masters: readonly [RedisMaster, ...RedisMaster[]];
  readonly keys: Keys;
  readonly keyPrefix: string;
  /** Whose users these are; `null` if the database is not known. */
  readonly installation: string | null;
  /** `REDIS_TTL_SECONDS` in milliseconds; 0 keeps values. */
  readonly ttlMs: number;
}

const pollMs = 20;
/** How long a Cluster may take to connect to all masters, and how long a refused connection is retried. */
const patienceMs = 500;
const attemptsMax = 4;

/** Connects. A deployment without Redis is as valid as any other. */
export async function openRedis(
  examined: ExaminedConfig,
  options: OpenOptions,
): Promise<Opened<RedisServers>> {
  const unknown = ifUnknown(examined, "redis");
  if (unknown !== null) return unknown;
  const { redis, coherence, installation } = examined.config;
  if (redis === null) return notOpened(fine("REDIS_URL is not set: every read goes to the database"));
  const address = redis.connection.reveal();
  const connection = connectRedis(address);
  if (examined.knows.database) speakFor(installation, connection.client);
  try {
    const { masters, silent } = await describeMasters(connection, address, options);
    const { keyPrefix } = redis;
    return {
      verdict: judgeReach(masters, silent),
      subject: {
        options: address,
        client: connection.client,
        masters,
        keys: createKeys(keyPrefix),
        keyPrefix,
        installation: examined.knows.database ? installation : null,
        ttlMs: coherence.ttlMs,
      },
      close: async () => connection.close(),
    };
  } catch (error) {
    connection.close();
    const { reason, fix } = error instanceof Unreachable ? error : explainRedisFailure(error);
    return notOpened(wrong(reason, fix));
  }
}

/** No master was found. The connection knows why. */
class Unreachable extends Error {
  readonly reason: string;
  readonly fix: string;

  constructor({ reason, fix }: Explanation) {
    super(reason);
    this.reason = reason;
    this.fix = fix;
  }
}

const noAnswer: Explanation = explainRedisFailure(new Error("no answer"));

interface Described {
  readonly masters: RedisServers["masters"];
  /** The addresses of those that could not be asked. */
  readonly silent: readonly string[];
}

async function describeMasters(
  connection: RedisConnection,
  address: RedisConnectionOptions,
  options: OpenOptions,
): Promise<Described> {
  const cli = redisCli(address, options.environment, { needsLogin: await requiresPassword(address) });
  for (let attempt = 1; ; attempt += 1) {
    await untilConnected(connection, options.deadlineMs);
    const masters: RedisMaster[] = [];
    const silent: string[] = [];
    let cause: unknown = null;
    const describeSeat = async (seat: RedisSeat) => {
      try {
        if (seat.master === null) throw new Unreachable(connection.lastProblem() ?? noAnswer);
        masters.push(await describe(seat.master, address, options, cli));
      } catch (error) {
        cause ??= error;
        silent.push(seat.address ?? "nobody, for some slots");
      }
    };
    await Promise.all(connection.seats().map(describeSeat));
    const [first, ...others] = masters;
    if (first !== undefined) return { masters: [first, ...others], silent };
    // The client of a Cluster disconnects from every node if the first master that it asks does not answer.
    if (address.mode !== "cluster" || attempt === attemptsMax) throw cause;
    await Bun.sleep(patienceMs);
  }
}

/** Waits until all masters are connected, or until some are or a problem is known and the time is over. */
async function untilConnected(connection: RedisConnection, deadlineMs: number): Promise<void> {
  const begun = performance.now();
  const passed = () => performance.now() - begun;
  const connected = () => connection.seats().filter(({ master }) => master !== null).length;
  const isSettled = () => connected() > 0 || connection.lastProblem() !== null;
  while (connected() < connection.seats().length && passed() < deadlineMs) {
    if (isSettled() && passed() > patienceMs) return;
    await Bun.sleep(pollMs);
  }
}

function judgeReach(masters: RedisServers["masters"], silent: readonly string[]): Verdict {
  const answer = masters.length === 1 ? "one server answers" : `${masters.length} masters answer`;
  if (silent.length === 0) return fine(answer);
  const [{ cli }] = masters;
  return wrong(
    `${answer}, but not ${silent.join(", ")}`,
    `${cli} CLUSTER NODES   # start those masters, or correct the addresses that they announce`,
  );
}

async function describe(
  connection: Redis,
  options: RedisConnectionOptions,
  { now }: OpenOptions,
  cli: RedisCli,
): Promise<RedisMaster> {
  const text = await connection.info();
  const info = parseInfo(text);
  // A replica answers everything that is asked here, and has an item of its own.
  const misplaced = info.get("role") === "slave" ? null : explainRole(text, options.mode);
  if (misplaced !== null) throw new Unreachable(misplaced);
  const [first] = options.nodes;
  const isNamed = options.mode === "single";
  const host = (isNamed ? null : connection.stream?.remoteAddress) ?? first.host;
  const port = (isNamed ? null : connection.stream?.remotePort) ?? first.port;
  const clock = await readClock(async () => toMilliseconds(await connection.time()), now);
  return { connection, info, clock, host, port, cli: cli.at(host, port) };
}

/** TIME returns seconds and microseconds. */
function toMilliseconds([seconds, microseconds]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

export function parseInfo(text: string): RedisInfo {
  const lines = text.split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}
