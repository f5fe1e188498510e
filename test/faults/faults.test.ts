import { describe, expect, test } from "bun:test";
import { experiments } from "../../scripts/faults/experiments.ts";
import type { Experiment } from "../../scripts/faults/harness/experiment.ts";
import { describeWithPrivate } from "../support/describe-with.ts";

/**
 * What each experiment guarantees to a user of the sidecar. Here the experiments run in their small size; `bun run faults
 * --full` runs the full one.
 */
const guarantees: Readonly<Record<string, string>> = {
  "kill-sidecar":
    "keeps every acknowledged set and returns no stale value when a sidecar is killed under load",
  "kill-redis": "answers every lookup and returns no stale value when Redis is killed and restarted",
  "promote-replica": "returns no stale value after a replica that lagged behind is promoted",
  "kill-postgres":
    "keeps every acknowledged set and writes no refused one when Postgres is killed during commits",
  "database-down": "serves hits and refuses other requests in time while the database is stopped or frozen",
  "redis-down": "serves lookups and sessions as fast as without Redis while Redis is down",
  "half-open": "ends each request in time when connections fall silent, and replaces them",
  "late-update": "follows the database when an UPDATE or its reply arrives long after the sidecar gave up",
  "random-faults": "stays one register for each user under random faults of the network",
  replay: "executes a signed request once, whichever sidecar receives copies, and only at its own endpoint",
  stampede: "reads the database at most twice for one cold key, however many clients look it up",
  "demoted-primary": "uses no row and issues no session from a primary that has become a replica",
  "lost-backend":
    "reports an UPDATE as unknown if a database proxy does not know its outcome, and stays one register",
  triggers: "returns and acknowledges only what the row holds, whatever a trigger does to an UPDATE",
  "swapped-file": "reads and writes the SQLite file that is at its path when the file is replaced under load",
  "stalled-log":
    "answers other requests and counts dropped lines when nobody reads its log while many requests are refused",
  "push-under-load":
    "overwrites no acknowledged set when sync push is killed and resumed while sidecars write",
  "shared-redis":
    "returns no data of another installation on the same Redis, and names the master of a Cluster that is down",
  "restored-snapshot": "does not return the old value of a snapshot from which Redis was restored",
  "moving-slots": "stays one register for each user on a Redis Cluster while slots move",
  "commit-in-grace": "does not fill what was read before a late commit of the previous epoch",
  "sync-under-load":
    "returns no stale value while bun run sync fills and repairs the hashes of users that are written",
};

/** How many worlds run at the same time. They mostly wait, but a machine has few cores. */
const worldsMax = 3;
/** This includes the wait for a place among them. */
const limitMs = 600_000;

const places: (() => void)[] = [];
let busy = 0;

async function takePlace(): Promise<Disposable> {
  if (busy >= worldsMax) await new Promise<void>((resolve) => places.push(resolve));
  else busy += 1;
  return {
    [Symbol.dispose]() {
      const next = places.shift();
      if (next === undefined) busy -= 1;
      else next();
    },
  };
}

function declareTests(chosen: readonly Experiment[]): void {
  for (const { id, run } of chosen) {
    test.concurrent(
      guarantees[id] ?? id,
      async () => {
        using _place = await takePlace();
        expect((await run("small", () => {})).failures).toEqual([]);
      },
      // A violation that a second attempt does not show again is still one.
      { timeout: limitMs, retry: 0 },
    );
  }
}

describeWithPrivate("postgres", "with a real Postgres", () => {
  describeWithPrivate("redis", "and a real Redis, the sidecar", () => {
    declareTests(experiments.filter(({ needs }) => needs === undefined));
    describeWithPrivate("mariadb", "and a real MariaDB, it", () => {
      declareTests(experiments.filter(({ needs }) => needs === "mariadb"));
    });
  });
});

describe("the experiments", () => {
  test("have one guarantee each", () => {
    expect(Object.keys(guarantees).sort()).toEqual(experiments.map(({ id }) => id).sort());
  });
});
