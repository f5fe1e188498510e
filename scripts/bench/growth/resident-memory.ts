import { median } from "../rounds.ts";
import type { MeasuredProcess } from "../server-process.ts";
import { type DesertedSite, startLookupServer } from "./deserted-site.ts";
import type { FilledRedis } from "./filled-redis.ts";
import { runLookups, undisturbed } from "./lookups.ts";

export interface ResidentMemory {
  readonly replayProtection: "all" | "off";
  /** Of the sidecar's process, after lookups of so many users, each of them once. */
  readonly steps: readonly { readonly lookups: number; readonly bytes: number }[];
}

const secondsAtOnce = 4;
const requestsAtOnce = 120_000;
const samples = 10;
const sampleEveryMs = 100;

/** What one sidecar's process holds as it looks up ever more users, none of them twice. */
export async function measureResidentMemory(
  site: DesertedSite,
  redis: FilledRedis,
  replayProtection: "all" | "off",
  steps: readonly number[],
): Promise<ResidentMemory> {
  await using server = await startLookupServer({ site, redisUrl: redis.server.url(), replayProtection });
  const measured: { lookups: number; bytes: number }[] = [];
  let done = 0;
  for (const lookups of steps) {
    done = await lookUp(site, server, done, lookups);
    measured.push({ lookups, bytes: await residentBytes(server) });
  }
  return { replayProtection, steps: measured };
}

/** The users from one number up to another. */
async function lookUp(
  site: DesertedSite,
  server: MeasuredProcess,
  from: number,
  to: number,
): Promise<number> {
  let next = from;
  while (next < to) {
    const first = next;
    const count = Math.min(requestsAtOnce, to - first);
    // Past the last one, wrk sends it again until its time is over.
    const seconds = count < requestsAtOnce / 10 ? 1 : secondsAtOnce;
    const report = await undisturbed(() =>
      runLookups({
        site,
        server,
        count,
        distinct: count,
        userOf: (number) => first + number,
        seconds,
      }),
    );
    next += report.ranOut ? count : report.requests;
  }
  return next;
}

/** The middle of what it holds for a while after the load, when it has had time to collect its garbage. */
async function residentBytes(server: MeasuredProcess): Promise<number> {
  const seen: number[] = [];
  while (seen.length < samples) {
    await Bun.sleep(sampleEveryMs);
    seen.push(server.residentBytes());
  }
  return median(seen);
}
