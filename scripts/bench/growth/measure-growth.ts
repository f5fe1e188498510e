import { createDesertedSite } from "./deserted-site.ts";
import { type FilledRedis, startFilledRedis, type UserMemory } from "./filled-redis.ts";
import { measureRememberedSignature } from "./remembered-signatures.ts";
import { measureResidentMemory, type ResidentMemory } from "./resident-memory.ts";
import { measureThroughput, type Throughput } from "./throughput.ts";

export interface GrowthOptions {
  /** Ascending. */
  readonly users: readonly number[];
  readonly rounds: number;
  readonly secondsPerRound: number;
  readonly say: (what: string) => void;
}

export interface GrowthResult {
  readonly throughput: readonly Throughput[];
  readonly memory: readonly (UserMemory & { readonly users: number })[];
  readonly bytesPerSignature: number;
  readonly resident: readonly ResidentMemory[];
}

/** What becomes of a lookup, of Redis' memory and of the sidecar's own as the population grows. */
export async function measureGrowth(options: GrowthOptions): Promise<GrowthResult> {
  const { users, rounds, secondsPerRound, say } = options;
  await using stack = new AsyncDisposableStack();
  using site = await createDesertedSite();
  say("measuring what a signature takes that is remembered");
  const bytesPerSignature = await measureRememberedSignature();
  const populations: FilledRedis[] = [];
  for (const count of users) {
    say(`filling Redis with ${count.toLocaleString("en-US")} users`);
    populations.push(stack.use(await startFilledRedis(count)));
  }
  say(`measuring ${rounds} rounds of lookups`);
  const throughput = await measureThroughput(site, populations, { rounds, seconds: secondsPerRound });
  const resident: ResidentMemory[] = [];
  const largest = populations.at(-1);
  for (const replayProtection of largest === undefined ? [] : (["off", "all"] as const)) {
    say(`measuring the sidecar's memory, REPLAY_PROTECTION=${replayProtection}`);
    const steps = users.length > 1 ? [users[0] ?? 0, users.at(-1) ?? 0] : users;
    if (largest) resident.push(await measureResidentMemory(site, largest, replayProtection, steps));
  }
  const memory = populations.map((population) => ({ users: population.users, ...population.memory }));
  return { throughput, memory, bytesPerSignature, resident };
}
