import type { Cluster, Redis } from "ioredis";
import type { RedisAddress } from "../../src/config/redis-address.ts";
import { shellWord } from "../../src/fix.ts";
import { createKeys, type Keys } from "../../src/store/keys.ts";
import {
  connectRedis,
  type RedisConnection,
  type RedisConnectionOptions,
} from "../../src/store/redis-connection.ts";
import { type Explanation, explainRedisFailure } from "../../src/store/redis-failures.ts";
import { fine, wrong } from "./check.ts";
import { type ClockReading, readClock } from "./clock-checks.ts";
import type { ExaminedConfig } from "./examined-config.ts";
import { ifUnknown, notOpened, type Opened, type OpenOptions } from "./opened.ts";

export interface RedisMaster {
  readonly connection: Redis;
  /** What INFO says, by field. */
  readonly info: RedisInfo;
  /** Read when the connection was made. */
  readonly clock: ClockReading;
  readonly host: string;
  readonly port: number;
  /** What a command line begins with that reaches this server. */
  readonly cli: string;
}

export type RedisInfo = ReadonlyMap<string, string>;

/** The masters behind REDIS_URL, spoken to as the sidecar speaks to them. */
export interface RedisServers {
  readonly options: RedisConnectionOptions;
  readonly client: Redis | Cluster;
  readonly masters: readonly [RedisMaster, ...RedisMaster[]];
  readonly keys: Keys;
  readonly keyPrefix: string;
  /** T, in milliseconds; 0 keeps values. */
  readonly valueLifeMs: number;
}

const pollMs = 20;
/** A connection that was refused is tried again for so long: a Cluster's first node may be the one that is down. */
const patienceMs = 500;

/** Connects. To do without Redis is a set-up like any other. */
export async function openRedis(
  examined: ExaminedConfig,
  options: OpenOptions,
): Promise<Opened<RedisServers>> {
  const unknown = ifUnknown(examined, "redis");
  if (unknown !== null) return unknown;
  const { redis, coherence } = examined.config;
  if (redis === null) return notOpened(fine("REDIS_URL is not set: every read goes to the database"));
  const address = redis.connection.reveal();
  const connection = connectRedis(address);
  try {
    const masters = await describeMasters(connection, address, options);
    const { keyPrefix } = redis;
    return {
      verdict: fine(masters.length === 1 ? "one server answers" : `${masters.length} masters answer`),
      subject: {
        options: address,
        client: connection.client,
        masters,
        keys: createKeys(keyPrefix),
        keyPrefix,
        valueLifeMs: coherence.valueLifeMs,
      },
      close: async () => connection.close(),
    };
  } catch (error) {
    connection.close();
    const { reason, remedy } = error instanceof Unreachable ? error : explainRedisFailure(error);
    return notOpened(wrong(reason, remedy));
  }
}

/** No master was found; the connection knows why. */
class Unreachable extends Error {
  readonly reason: string;
  readonly remedy: string;

  constructor({ reason, remedy }: Explanation) {
    super(reason);
    this.reason = reason;
    this.remedy = remedy;
  }
}

const noAnswer: Explanation = explainRedisFailure(new Error("no answer"));

async function describeMasters(
  connection: RedisConnection,
  address: RedisConnectionOptions,
  { deadlineMs, now }: OpenOptions,
) {
  const connected = () => connection.masters().filter((master) => master !== null);
  const begun = performance.now();
  const passed = () => performance.now() - begun;
  while (connected().length === 0 && passed() < deadlineMs) {
    if (connection.lastProblem() !== null && passed() > patienceMs) break;
    await Bun.sleep(pollMs);
  }
  const [first, ...others] = await Promise.all(connected().map((master) => describe(master, address, now)));
  if (first === undefined) throw new Unreachable(connection.lastProblem() ?? noAnswer);
  return [first, ...others] as const;
}

async function describe(
  connection: Redis,
  options: RedisConnectionOptions,
  now: () => number,
): Promise<RedisMaster> {
  const info = parseInfo(await connection.info());
  const [first] = options.nodes;
  const isNamed = options.mode === "single";
  const host = (isNamed ? null : connection.stream?.remoteAddress) ?? first.host;
  const port = (isNamed ? null : connection.stream?.remotePort) ?? first.port;
  const clock = await readClock(async () => toMilliseconds(await connection.time()), now);
  return { connection, info, clock, host, port, cli: cliOf(first, host, port) };
}

/** The beginning of a command line that reaches a server; whoever types it adds an administrator's login. */
export function cliOf({ tls }: RedisAddress, host: string, port: number): string {
  return ["redis-cli", "-h", shellWord(host), "-p", port, ...(tls ? ["--tls"] : [])].join(" ");
}

/** TIME answers seconds and microseconds. */
function toMilliseconds([seconds, microseconds]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

export function parseInfo(text: string): RedisInfo {
  const lines = text.split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}
