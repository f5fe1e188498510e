import { join } from "node:path";
import { type MeasuredProcess, startMeasured } from "../server-process.ts";
import { type DesertedSite, mustAnswer, startLookupServer } from "./deserted-site.ts";
import type { FilledRedis } from "./filled-redis.ts";
import { runLookups, undisturbed } from "./lookups.ts";
import { scheduledSoFar, waitShare } from "./waiting.ts";

export type Guard = "guardOff" | "guardOn";

/** CPU time for one lookup, in microseconds. */
export interface GateRound extends Readonly<Record<Guard | "bare", number>> {
  /** The longest that a process waited for a processor, as a share of the time in which it could have run. */
  readonly waiting: number;
}

export interface PairOptions {
  readonly site: DesertedSite;
  readonly redis: FilledRedis;
  /** What runs the sidecar. */
  readonly entry: string;
}

/** The sidecar, with and without its guard, and `bare`, as fresh processes that are warmed up. */
export interface MeasuredPair extends AsyncDisposable {
  /** Measures one after the other, in the opposite order from one round to the next. */
  measure(round: number): Promise<GateRound>;
}

interface LookupCost {
  readonly cpuUs: number;
  readonly waiting: number;
}

const contenders = ["bare", "guardOff", "guardOn"] as const;
const warmUpSeconds = 3;
/** Lookups a second, while three servers warm up at once. */
const firstRate = 10_000;
/** A server may be this much faster than a moment ago, when others used the machine. */
const headroom = 1.6;

/** @throws {Error} one of them does not answer rightly */
export async function openPair({ site, redis, entry }: PairOptions): Promise<MeasuredPair> {
  await using stack = new AsyncDisposableStack();
  const redisUrl = redis.server.url();
  const servers = {
    bare: stack.use(await startBare(site, redisUrl)),
    guardOff: stack.use(await startLookupServer({ site, redisUrl, entry, replayProtection: "off" })),
    guardOn: stack.use(await startLookupServer({ site, redisUrl, entry, replayProtection: "all" })),
  };

  const rates = new Map<MeasuredProcess, number>();

  async function lookUp(server: MeasuredProcess, seconds: number): Promise<LookupCost> {
    const [cpuMs, scheduled] = [server.cpuMs(), scheduledSoFar(server.pid)];
    const { requests, ranOut } = await runLookups({
      site,
      server,
      users: redis.users,
      count: Math.ceil((rates.get(server) ?? firstRate) * headroom * seconds),
      seconds,
    });
    rates.set(server, requests / seconds);
    // Some requests were sent twice. The measurement does not count, but tells how many are needed.
    if (ranOut) return lookUp(server, seconds);
    const cpuUs = ((server.cpuMs() - cpuMs) * 1000) / requests;
    return { cpuUs, waiting: waitShare(scheduled, scheduledSoFar(server.pid)) };
  }

  await Promise.all(
    contenders.map((contender) => undisturbed(() => lookUp(servers[contender], warmUpSeconds))),
  );
  // From here on, each has the machine to itself.
  for (const [server, rate] of rates) rates.set(server, contenders.length * rate);

  const rest = stack.move();
  return {
    async measure(round) {
      const us = { bare: 0, guardOff: 0, guardOn: 0 };
      let waiting = 0;
      for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
        const cost = await undisturbed(() => lookUp(servers[contender], 1));
        us[contender] = cost.cpuUs;
        waiting = Math.max(waiting, cost.waiting);
      }
      return { ...us, waiting };
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

function startBare(site: DesertedSite, redisUrl: string): Promise<MeasuredProcess> {
  return startMeasured({
    name: "bare",
    argv: [process.execPath, join(import.meta.dir, "../servers/bare.ts")],
    environment: { ...site.environment, REDIS_URL: redisUrl },
    greet: (port) => mustAnswer(port, site.sharedSecret),
  });
}
