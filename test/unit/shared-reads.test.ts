import { describe, expect, test } from "bun:test";
import { isRejected } from "../../scripts/servers/waiting.ts";
import { createSharedReads } from "../../src/coherence/shared-reads.ts";

/** What somebody saw of the database, by a clock that counts every event. */
interface Seen {
  readonly asOf: number;
}

/** Until everything that can run by itself has run. */
const settle = async () => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const never = async () => null;
const cached = async () => {};

/** What a caller brings; nothing is cached, and nothing found by looking again, unless told otherwise. */
const reading = (
  send: () => Promise<Seen>,
  lookAgain: () => Promise<Seen | null> = never,
  cache = cached,
) => ({
  lookAgain,
  send,
  cache,
});

/** A database whose reads are answered when the test says so, in whatever order. */
function createDatabase() {
  let clock = 0;
  let sent = 0;
  const flights: { readonly asOf: number; readonly land: () => void; readonly fail: () => void }[] = [];
  return {
    flights,
    sent: () => sent,
    tick: () => ++clock,
    send(): Promise<Seen> {
      sent += 1;
      const { promise, resolve, reject } = Promise.withResolvers<Seen>();
      const asOf = ++clock;
      const end = (settleIt: () => void) => () => {
        flights.splice(flights.indexOf(flight), 1);
        settleIt();
      };
      const flight = {
        asOf,
        land: end(() => resolve({ asOf })),
        fail: end(() => reject(new Error("the database is away"))),
      };
      flights.push(flight);
      return promise;
    },
  };
}

describe("shared reads", () => {
  test("let all who ask before a read is sent share it", async () => {
    const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
    const callers = Array.from({ length: 1000 }, () => reads.join("ann", reading(database.send)));
    await settle();
    database.flights[0]?.land();
    expect(new Set((await Promise.all(callers)).map(({ asOf }) => asOf)).size).toBe(1);
    expect(database.sent()).toBe(1);
  });

  test("cost one read if whoever came later finds its result by looking again", async () => {
    const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
    const first = reads.join("ann", reading(database.send));
    await settle();
    const found = { asOf: 0 };
    const later = Array.from({ length: 999 }, () =>
      reads.join(
        "ann",
        reading(database.send, async () => found),
      ),
    );
    await settle();
    database.flights[0]?.land();
    expect(await Promise.all(later)).toEqual(later.map(() => found));
    await first;
    expect(database.sent()).toBe(1);
  });

  test("cost one read if whoever comes after it has landed, but before it is cached, finds it by looking again", async () => {
    const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
    const keeping = Promise.withResolvers<void>();
    const first = reads.join(
      "ann",
      reading(database.send, never, () => keeping.promise),
    );
    await settle();
    database.flights[0]?.land();
    const brought = await first;
    expect(
      await reads.join(
        "ann",
        reading(database.send, async () => brought),
      ),
    ).toBe(brought);
    keeping.resolve();
    await settle();
    const next = reads.join(
      "ann",
      reading(database.send, async () => brought),
    );
    await settle();
    database.flights[0]?.land();
    expect((await next).asOf).toBeGreaterThan(brought.asOf);
    expect(database.sent()).toBe(2);
  });

  test("cost two reads if it is not to be found, however many came later", async () => {
    const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
    const first = reads.join("ann", reading(database.send));
    await settle();
    const later = Array.from({ length: 999 }, () => reads.join("ann", reading(database.send)));
    await settle();
    database.flights[0]?.land();
    await settle();
    database.flights[0]?.land();
    const [{ asOf }, ...others] = await Promise.all([first, ...later]);
    expect(others.every((other) => other.asOf > asOf)).toBe(true);
    expect(database.sent()).toBe(2);
  });

  test("keep keys apart", async () => {
    const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
    const callers = ["ann", "bob", "ann", "bob"].map((key) => reads.join(key, reading(database.send)));
    await settle();
    for (const flight of [...database.flights]) flight.land();
    const [ann, bob, annAgain, bobAgain] = await Promise.all(callers);
    expect(ann).toBe(annAgain);
    expect(bob).toBe(bobAgain);
    expect(ann).not.toBe(bob);
  });

  test("fail all who wait for a read that fails, and none who come afterwards", async () => {
    const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
    const sharing = [0, 1].map(() => isRejected(reads.join("ann", reading(database.send))));
    await settle();
    const waiting = isRejected(reads.join("ann", reading(database.send)));
    database.flights[0]?.fail();
    expect(await Promise.all([...sharing, waiting])).toEqual([true, true, true]);
    const next = reads.join("ann", reading(database.send));
    await settle();
    database.flights[0]?.land();
    expect((await next).asOf).toBeGreaterThan(0);
  });

  test("fail a caller whose second look fails, and it alone", async () => {
    const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
    const first = reads.join("ann", reading(database.send));
    await settle();
    const blind = isRejected(
      reads.join(
        "ann",
        reading(database.send, () => Promise.reject(new Error("blind"))),
      ),
    );
    const other = reads.join("ann", reading(database.send));
    database.flights[0]?.land();
    await settle();
    database.flights[0]?.land();
    expect(await blind).toBe(true);
    expect((await other).asOf).toBeGreaterThan((await first).asOf);
  });

  test("survive a read that throws before it is sent", async () => {
    const reads = createSharedReads<Seen>();
    const broken = async (): Promise<Seen> => {
      throw new Error("not sent");
    };
    expect(await isRejected(reads.join("ann", reading(broken)))).toBe(true);
    expect(
      await reads.join(
        "ann",
        reading(async () => ({ asOf: 7 })),
      ),
    ).toEqual({ asOf: 7 });
  });

  test("keep nothing of what has landed", async () => {
    const reads = createSharedReads<Seen>();
    const landed: WeakRef<Seen>[] = [];
    for (let number = 0; number < 500; number += 1) {
      const send = number % 2 === 0 ? async () => ({ asOf: number }) : () => Promise.reject(new Error());
      const seen = await reads.join(`user ${number}`, reading(send)).catch(() => null);
      if (seen !== null) landed.push(new WeakRef(seen));
    }
    await settle();
    Bun.gc(true);
    expect(landed.filter((seen) => seen.deref() !== undefined).length).toBeLessThan(5);
    expect(
      await reads.join(
        "user 0",
        reading(async () => ({ asOf: -1 })),
      ),
    ).toEqual({ asOf: -1 });
  });

  test("never answer with a read that was sent before the caller asked, in 400 random schedules", async () => {
    for (let seed = 1; seed <= 400; seed += 1)
      expect(await runSchedule(seed)).toEqual({ seed, stale: 0, left: 0 });
  });
});

/** Callers come, reads land or fail in any order, and what is found by looking again is as new as the look. */
async function runSchedule(seed: number) {
  const random = createRandom(seed);
  const [reads, database] = [createSharedReads<Seen>(), createDatabase()];
  let stale = 0;
  let left = 0;

  async function call(key: string): Promise<void> {
    const arrivedAt = database.tick();
    left += 1;
    const lookAgain = async () => {
      for (let turn = random() * 3; turn > 1; turn -= 1) await settle();
      return random() < 0.3 ? { asOf: database.tick() } : null;
    };
    const seen = await reads.join(key, reading(database.send, lookAgain)).catch(() => null);
    left -= 1;
    if (seen !== null && seen.asOf < arrivedAt) stale += 1;
  }

  for (let step = 0; step < 40; step += 1) {
    const chance = random();
    const flight = database.flights[Math.floor(random() * database.flights.length)];
    if (chance < 0.5) void call(random() < 0.8 ? "ann" : "bob");
    else if (chance < 0.7) flight?.land();
    else if (chance < 0.75) flight?.fail();
    else await settle();
  }
  for (let turn = 0; turn < 100 && left > 0; turn += 1) {
    for (const flight of [...database.flights]) flight.land();
    await settle();
  }
  return { seed, stale, left };
}

/** Mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
