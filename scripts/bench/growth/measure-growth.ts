import { countSteps } from "../steps.ts";
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
    populations.push(stack.use(await startFilledRedis(count, site.installation)));
  }
  const begin = countSteps(rounds * populations.length, say);
  const throughput = await measureThroughput(site, populations, { rounds, seconds: secondsPerRound, begin });
  const resident: ResidentMemory[] = [];
  for (const replayProtection of ["off", "all"] as const) {
    say(`measuring the sidecar's memory, REPLAY_PROTECTION=${replayProtection}`);
    resident.push(await measureResidentMemory(site, largestOf(populations), replayProtection, users));
  }
  const memory = populations.map((population) => ({ users: population.users, ...population.memory }));
  return { throughput, memory, bytesPerSignature, resident };
}

function largestOf(populations: readonly FilledRedis[]): FilledRedis {
  const largest = populations.at(-1);
  if (largest === undefined) throw new RangeError("there is no population");
  return largest;
}
