import { Redis } from "ioredis";
import { run } from "mitata";
import { startRedis } from "../../servers/redis-server.ts";
import { measureRedisCost, type RedisCost } from "./redis-cost.ts";
import { benchRedisWaits } from "./redis-waits.ts";
import { benchRequests } from "./requests.ts";
import { benchSignatures } from "./signatures.ts";
import { benchTokens } from "./tokens.ts";

export interface PartsOptions {
  /** Of the names in both tables; everything else is left out. */
  readonly filter: RegExp;
  readonly isQuiet: boolean;
}

export interface PartsResult {
  readonly benchmarks: readonly { readonly name: string; readonly nanoseconds: Spread }[];
  readonly redis: readonly RedisCost[];
}

interface Spread {
  readonly average: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
}

const redisRounds = 15;

/** The parts of a request one by one. Each is checked to do its work before it is timed. */
export async function measureParts({ filter, isQuiet }: PartsOptions): Promise<PartsResult> {
  await using server = await startRedis();
  const redis = new Redis({ port: server.port, enableAutoPipelining: true });
  try {
    await benchSignatures();
    benchRequests();
    await benchTokens();
    await benchRedisWaits(redis);
    const { benchmarks } = await run({
      throw: true,
      filter,
      format: isQuiet ? "quiet" : "mitata",
      colors: process.stdout.isTTY === true,
    });
    const costs = await measureRedisCost(redis, redisRounds, filter);
    if (!isQuiet && costs.length > 0) process.stdout.write(tableOf(costs));
    return {
      benchmarks: benchmarks.flatMap(({ runs }) =>
        runs.flatMap(({ name, stats }) =>
          stats === undefined ? [] : [{ name, nanoseconds: spreadOf(stats) }],
        ),
      ),
      redis: costs,
    };
  } finally {
    redis.disconnect();
  }
}

function spreadOf({ avg, min, p50, p99 }: Record<"avg" | "min" | "p50" | "p99", number>): Spread {
  return { average: avg, min, p50, p99 };
}

function tableOf(costs: readonly RedisCost[]): string {
  const lines = costs.map(({ step, microseconds }) => {
    const sorted = microseconds.toSorted((a, b) => a - b);
    const [lowest = 0, median = 0, highest = 0] = [0, sorted.length >> 1, sorted.length - 1].map(
      (at) => sorted[at],
    );
    return `${step.padEnd(38)} ${median.toFixed(1).padStart(6)} µs   (${lowest.toFixed(1)} to ${highest.toFixed(1)})`;
  });
  return `\nRedis' own processor time for one call: median of ${redisRounds} rounds\n${lines.join("\n")}\n`;
}
