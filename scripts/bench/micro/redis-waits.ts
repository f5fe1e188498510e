import type { Redis } from "ioredis";
import { bench, group } from "mitata";
import { storeSteps } from "./store-steps.ts";

/** So many travel together, as in a sidecar under load. Of one alone, the journey would be all there is to see. */
const together = 64;

/** How long a sidecar waits for those steps that leave a hash as they found it, and so can be repeated. */
export async function benchRedisWaits(redis: Redis): Promise<void> {
  const repeatable = storeSteps(redis).filter(({ name }) => /hit|claimed/.test(name));
  const users = Array.from({ length: together }, (_, number) => `user${number}@example.com`);
  const benches = await Promise.all(
    repeatable.map(async ({ name, prepare }) => ({
      name: `${together} × ${name}`,
      runs: await Promise.all(users.map((user) => prepare(user))),
    })),
  );
  group(`${together} commands at once to Redis`, () => {
    for (const { name, runs } of benches) bench(name, () => Promise.all(runs.map((run) => run())));
  });
}
