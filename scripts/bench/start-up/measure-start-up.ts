import { join } from "node:path";
import { freePort } from "../../servers/free-port.ts";
import { requirePrograms } from "../../servers/server-binaries.ts";
import { builtSidecar } from "../built-sidecar.ts";
import { createDesertedSite, type DesertedSite, mustAnswer } from "../growth/deserted-site.ts";
import { startFilledRedis } from "../growth/filled-redis.ts";
import { measureInTurn, median, type Ratio, ratioOf } from "../rounds.ts";

export interface Start {
  /** From the start of the process to its first right answer. */
  readonly readyMs: number;
  /** Processor time until then, of all its threads. */
  readonly cpuMs: number;
}

export type Started = "bare" | "build" | "source";

export interface StartUpResult {
  readonly starts: Readonly<Record<Started, readonly Start[]>>;
  /** The sidecar's over those of `bare`, round by round. */
  readonly ready: Readonly<Record<"build" | "source", Ratio>>;
  readonly cpu: Readonly<Record<"build" | "source", Ratio>>;
}

const started = ["bare", "build", "source"] as const;

const readySecondsMax = 30;
const pollMs = 2;

/**
 * How long a process takes from its start to its first answer to a signed lookup: the sidecar as in production, over
 * Redis and SQLite and with a file of signing keys, from dist/ and from its source, and `bare`, which loads ioredis and
 * nothing else.
 */
export async function measureStartUp(rounds: number, say: (what: string) => void): Promise<StartUpResult> {
  requirePrograms("redis");
  const entries: Readonly<Record<Started, string>> = {
    bare: join(import.meta.dir, "../servers/bare.ts"),
    build: await builtSidecar(),
    source: join(import.meta.dir, "../../../src/index.ts"),
  };
  using site = await createDesertedSite();
  await using redis = await startFilledRedis(1, site.installation);
  const redisUrl = redis.server.url();
  // Once for nothing: so that the files are in memory for all that count.
  for (const name of started) await startOnce(site, redisUrl, entries[name]);
  const samples = await measureInTurn(started, rounds, (name, round) => {
    say(`round ${round + 1} of ${rounds}`);
    return startOnce(site, redisUrl, entries[name]);
  });
  const of = (name: Started) => samples.get(name) ?? [];
  const over = (name: Started, figure: (start: Start) => number) =>
    ratioOf(of(name).map(figure), of("bare").map(figure));
  return {
    starts: { bare: of("bare"), build: of("build"), source: of("source") },
    ready: { build: over("build", readyMs), source: over("source", readyMs) },
    cpu: { build: over("build", cpuMs), source: over("source", cpuMs) },
  };
}

const readyMs = (start: Start) => start.readyMs;
const cpuMs = (start: Start) => start.cpuMs;

export function medianStart(starts: readonly Start[]): Start {
  return {
    readyMs: median(starts.map(readyMs)),
    cpuMs: median(starts.map(cpuMs)),
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
  let answeredMs: number | null = null;
  try {
    while (answeredMs === null && child.exitCode === null) {
      answeredMs = await mustAnswer(port, site.sharedSecret).then(
        () => performance.now() - startedAt,
        () => null,
      );
      if (performance.now() - startedAt > readySecondsMax * 1000) break;
      if (answeredMs === null) await Bun.sleep(pollMs);
    }
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  if (answeredMs === null) throw new Error(`${entry} did not answer a lookup`);
  return { readyMs: answeredMs, cpuMs: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1000 };
}
