import type { Redis } from "ioredis";
import { measureInTurn, median, type Ratio, ratioOf } from "../rounds.ts";
import { type DesertedSite, startLookupServer } from "./deserted-site.ts";
import type { FilledRedis } from "./filled-redis.ts";
import { anyOf, runLookups, undisturbed } from "./lookups.ts";

export interface Throughput {
  readonly users: number;
  readonly rounds: readonly LookupCost[];
  /** Requests/s over those of the smallest population, in the same round. */
  readonly overSmallest: Ratio;
  /** Likewise the processor time for one lookup, the sidecar's and that of Redis: what the machine's noise moves least. */
  readonly cpuOverSmallest: Ratio;
}

export interface LookupCost {
  readonly requestsPerSecond: number;
  /** Processor time for one lookup, in microseconds. */
  readonly sidecarUs: number;
  readonly redisUs: number;
}

export interface ThroughputOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Is told of each measurement before it begins. */
  readonly begin: (what: string) => void;
}

/** More than a lookup every 20 µs is not to be expected of one process while it warms up. */
const warmUpPerSecond = 50_000;

/**
 * Lookups of users drawn at random, with the guard off, so that a Redis holds the users and nothing else. The
 * populations have a Redis each, all running at once, and are measured in turn, each time by a fresh sidecar.
 */
export async function measureThroughput(
  site: DesertedSite,
  populations: readonly FilledRedis[],
  { rounds, seconds, begin }: ThroughputOptions,
): Promise<Throughput[]> {
  const samples = await measureInTurn(populations, rounds, (redis, round) => {
    begin(`lookups, round ${round + 1} of ${rounds}, ${redis.users.toLocaleString("en-US")} users`);
    return undisturbed(() => measureOnce(site, redis, seconds));
  });
  const roundsOf = (redis: FilledRedis | undefined) => (redis && samples.get(redis)) ?? [];
  const over = (redis: FilledRedis, figure: (cost: LookupCost) => number) =>
    ratioOf(roundsOf(redis).map(figure), roundsOf(populations[0]).map(figure));
  return populations.map((redis) => ({
    users: redis.users,
    rounds: roundsOf(redis),
    overSmallest: over(redis, ({ requestsPerSecond }) => requestsPerSecond),
    cpuOverSmallest: over(redis, ({ sidecarUs, redisUs }) => sidecarUs + redisUs),
  }));
}

async function measureOnce(site: DesertedSite, redis: FilledRedis, seconds: number): Promise<LookupCost> {
  await using server = await startLookupServer({
    site,
    redisUrl: redis.server.url(),
    replayProtection: "off",
  });
  const load = { site, server, userOf: anyOf(redis.users) };
  const warmUp = await runLookups({ ...load, seconds: 1, count: warmUpPerSecond, distinct: warmUpPerSecond });
  // While it warms up, and other processes take their share, it may be far from its best.
  const count = Math.ceil(Math.max(60_000, 3 * warmUp.requestsPerSecond) * seconds);
  const before = { sidecarMs: server.cpuMs(), redisMs: await redisCpuMs(redis.client) };
  const report = await runLookups({ ...load, seconds, count, distinct: count });
  const sidecarMs = server.cpuMs() - before.sidecarMs;
  const redisMs = (await redisCpuMs(redis.client)) - before.redisMs;
  if (report.ranOut) throw new Error(`${count} requests were too few for ${seconds} s`);
  return {
    requestsPerSecond: report.requestsPerSecond,
    sidecarUs: (sidecarMs * 1000) / report.requests,
    redisUs: (redisMs * 1000) / report.requests,
  };
}

export function medianOf(rounds: readonly LookupCost[], figure: keyof LookupCost): number {
  return median(rounds.map((round) => round[figure]));
}

async function redisCpuMs(client: Redis): Promise<number> {
  const info = await client.info("cpu");
  const secondsOf = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
  return (secondsOf("used_cpu_sys") + secondsOf("used_cpu_user")) * 1000;
}
