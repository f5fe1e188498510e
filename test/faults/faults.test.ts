import { describe, expect, test } from "bun:test";
import { experiments } from "../../scripts/faults/experiments.ts";
import type { Experiment } from "../../scripts/faults/harness/experiment.ts";
import { describeWithPrivate } from "../support/describe-with.ts";

/** By experiment: what a user of the sidecar may rely on. The full figures are those of `bun run faults --full`. */
const guarantees: Readonly<Record<string, string>> = {
  "1": "keeps every acknowledged set, and never answers a stale value, when a sidecar is killed under load",
  "2": "answers every lookup, and never a stale value, when Redis is killed and comes back",
  "3": "never answers a stale value after a replica that lagged behind is promoted",
  "4": "keeps every acknowledged set, and undoes no refused one, when Postgres is killed in mid-commit",
  "5": "serves hits and refuses the rest in time while the database is gone or frozen",
  "6": "serves lookups and sessions at the database's pace while Redis is gone",
  "8": "ends each request in time over connections that went deaf, and replaces those",
  "9": "follows the database when an UPDATE or its reply arrives long after it was given up",
  "10": "stays one register for each user under random faults of the network",
  "21": "runs a signed request once, whoever is sent its copies, and on its own endpoint only",
  "25": "asks the database once or twice for one cold key, however many callers want it",
  "28": "takes no row and gives no session from a primary that has been made a replica",
  "29": "tells an UPDATE whose outcome a database proxy does not know as unknown, and stays one register",
  "30": "answers what the row holds, and acknowledges only that, whatever a trigger makes of an UPDATE",
  "31": "reads and writes the SQLite file that is at its path, when that is replaced under load",
  "32": "answers everybody else, and counts what it drops, while nobody reads its log under a flood of refusals",
  "33": "overwrites no acknowledged set when sync push is killed and resumed while sidecars set",
  "34": "never answers a user of another installation on the same Redis, and names the master of a Cluster that is away",
  snapshot: "never answers the old value of a snapshot that Redis was restored from",
  cluster: "stays one register for each user on a Redis Cluster while slots move",
  grace: "keeps out of Redis what was read before a late commit of the last epoch",
  sync: "never answers a stale value while bun run sync fills and fixes the hashes of users being written",
};

/** So many worlds at once: they wait more than they work, but a machine has few cores. */
const worldsMax = 3;
/** The wait for a place among them included. */
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
      limitMs,
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
