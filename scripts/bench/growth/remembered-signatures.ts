import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { openRedisAdapters } from "../../../src/redis/adapters.ts";
import type { ReplayGuard } from "../../../src/replay/replay-guard.ts";
import { startRedis } from "../../servers/redis-server.ts";
import { keyPrefix } from "../site.ts";
import { connectionTo, limits, memoryInUse } from "./filled-redis.ts";

/** How long the sidecar remembers a signature with SIGNATURE_MAX_AGE_SECONDS=60: 2 × 60 s and 5 s of slack. */
export const rememberSeconds = 125;

/** As many as nearly fill the tables of Redis, which have 65,536 places then: little of what is used is room for more. */
const signatures = 65_000;
const atOnce = 500;
/** On a machine that is busy elsewhere, the guard may keep some in this process instead: then others are claimed. */
const secondsMax = 60;

/** What Redis uses for one signature that the replay guard remembers, in bytes. */
export async function measureRememberedSignature(): Promise<number> {
  await using server = await startRedis();
  const client = new Redis(server.url());
  const store = openRedisAdapters({
    connection: connectionTo(server),
    keyPrefix,
    installation: "",
    limits,
    graceMs: 0,
    rememberMs: rememberSeconds * 1000,
    sessions: { keepSeconds: 1, latestIssueTime: () => 0 },
    onHashEvent: () => {},
    onGuardEvent: () => {},
  });
  try {
    await store.firstContact;
    const before = await memoryInUse(client);
    const keysBefore = await client.dbsize();
    const remembered = async () => (await client.dbsize()) - keysBefore;
    const deadline = performance.now() + secondsMax * 1000;
    for (let count = 0; count < signatures; count = await remembered()) {
      if (performance.now() > deadline)
        throw new Error(`Redis remembers ${count} of ${signatures} signatures`);
      await claimSome(store.replayGuard, Math.min(atOnce, signatures - count));
    }
    return ((await memoryInUse(client)) - before) / signatures;
  } finally {
    store.close();
    client.disconnect();
  }
}

async function claimSome(guard: ReplayGuard, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => guard.claim(randomBytes(32), "get", Date.now())));
}
