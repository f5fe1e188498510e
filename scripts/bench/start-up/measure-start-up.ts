import { join } from "node:path";
import { freePort } from "../../../test/support/free-port.ts";
import { createDesertedSite, type DesertedSite, mustAnswer, sidecarEntry } from "../growth/deserted-site.ts";
import { startFilledRedis } from "../growth/filled-redis.ts";
import { measureInTurn, median, type Ratio, ratioOf } from "../rounds.ts";

export interface Start {
  /** From the start of the process to its first right answer. */
  readonly readyMs: number;
  /** Processor time until then, of all its threads. */
  readonly cpuMs: number;
}

export interface StartUpResult {
  readonly sidecar: readonly Start[];
  readonly bare: readonly Start[];
  /** The sidecar's over those of `bare`, round by round. */
  readonly ready: Ratio;
  readonly cpu: Ratio;
}

const contenders = {
  sidecar: sidecarEntry,
  bare: join(import.meta.dir, "../servers/bare.ts"),
} as const;

const readySecondsMax = 30;
const pollMs = 2;

/**
 * How long a process takes from its start to its first answer to a signed lookup: the sidecar as in production, over
 * Redis and SQLite and with a file of signing keys, and `bare`, which loads ioredis and nothing else.
 */
export async function measureStartUp(rounds: number, say: (what: string) => void): Promise<StartUpResult> {
  using site = await createDesertedSite();
  await using redis = await startFilledRedis(1);
  const redisUrl = redis.server.url();
  // Once for nothing: so that the files are in memory for all that count.
  for (const entry of Object.values(contenders)) await startOnce(site, redisUrl, entry);
  const samples = await measureInTurn(Object.values(contenders), rounds, (entry, round) => {
    say(`round ${round + 1} of ${rounds}`);
    return startOnce(site, redisUrl, entry);
  });
  const sidecar = samples.get(contenders.sidecar) ?? [];
  const bare = samples.get(contenders.bare) ?? [];
  const over = (figure: (start: Start) => number) => ratioOf(sidecar.map(figure), bare.map(figure));
  return { sidecar, bare, ready: over(({ readyMs }) => readyMs), cpu: over(({ cpuMs }) => cpuMs) };
}

export function medianStart(starts: readonly Start[]): Start {
  return {
    readyMs: median(starts.map(({ readyMs }) => readyMs)),
    cpuMs: median(starts.map(({ cpuMs }) => cpuMs)),
  };
}

/** @throws {Error} it ended or gave no right answer in time */
async function startOnce(site: DesertedSite, redisUrl: string, entry: string): Promise<Start> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = Bun.spawn([process.execPath, entry], {
    env: { PATH: process.env.PATH ?? "", ...site.environment, REDIS_URL: redisUrl, PORT: String(port) },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  let readyMs: number | null = null;
  try {
    while (readyMs === null && child.exitCode === null) {
      readyMs = await mustAnswer(port, site.sharedSecret).then(
        () => performance.now() - startedAt,
        () => null,
      );
      if (performance.now() - startedAt > readySecondsMax * 1000) break;
      if (readyMs === null) await Bun.sleep(pollMs);
    }
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  if (readyMs === null) throw new Error(`${entry} did not answer a lookup`);
  const cpuMs = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1000;
  return { readyMs, cpuMs };
}
