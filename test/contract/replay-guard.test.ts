import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createProcessReplayGuard } from "../../src/replay/process-replay-guard.ts";
import { type ReplayGuard, withoutReplayGuard } from "../../src/replay/replay-guard.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { openStore, sharedPlaces } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

/** Two ends of one memory: two sidecars on one Redis, or twice the only process. */
interface Guards {
  readonly one: ReplayGuard;
  readonly other: ReplayGuard;
  close(): void;
}

const newMac = () => crypto.getRandomValues(new Uint8Array(32));
/** Signed after any memory here began. */
const later = () => Date.now() + 1000;

function declareContract(open: (keepMs: number) => Promise<Guards>): void {
  let guards: Guards;
  let one: ReplayGuard;
  let other: ReplayGuard;
  let mac: Uint8Array;

  beforeAll(async () => {
    guards = await open(60_000);
    ({ one, other } = guards);
  });
  afterAll(() => guards.close());
  beforeEach(() => {
    mac = newMac();
  });

  test.each(["get", "set", "session"] as const)(
    "binds a signature to %s if that is its first use",
    async (first) => {
      expect(await one.claim(mac, first, later())).toBe("run");
      for (const endpoint of ["get", "set", "session"] as const) {
        if (endpoint === first) continue;
        expect(await other.claim(mac, endpoint, later())).toBe("refuse");
        expect(await one.claim(mac, endpoint, later())).toBe("refuse");
      }
    },
  );

  test.each(["set", "session"] as const)(
    "refuses every other endpoint whatever became of a %s",
    async (first) => {
      for (const outcome of ["done", "failed"] as const) {
        const fresh = newMac();
        await one.claim(fresh, first, later());
        await one.settle(fresh, first, outcome);
        expect(await one.claim(fresh, "get", later())).toBe("refuse");
        expect(await one.claim(fresh, first === "set" ? "session" : "set", later())).toBe("refuse");
      }
    },
  );

  test("lets a lookup run as often as it comes", async () => {
    for (let turn = 0; turn < 3; turn += 1) expect(await one.claim(mac, "get", later())).toBe("run");
    expect(await other.claim(mac, "get", later())).toBe("run");
  });

  test("lets a lookup run that was signed before its memory began", async () => {
    expect(await one.claim(mac, "get", 0)).toBe("run");
    expect(await one.claim(mac, "session", 0)).toBe("refuse");
  });

  test("repeats a set that has succeeded", async () => {
    await one.claim(mac, "set", later());
    await one.settle(mac, "set", "done");
    expect(await other.claim(mac, "set", later())).toBe("repeat");
    expect(await other.claim(mac, "set", later())).toBe("repeat");
  });

  test("answers that a set is open while it runs, and for good if its outcome is never told", async () => {
    await one.claim(mac, "set", later());
    expect(await one.claim(mac, "set", later())).toBe("open");
    expect(await other.claim(mac, "set", later())).toBe("open");
  });

  test("refuses a session that is open or was given", async () => {
    await one.claim(mac, "session", later());
    expect(await other.claim(mac, "session", later())).toBe("refuse");
    await one.settle(mac, "session", "done");
    expect(await other.claim(mac, "session", later())).toBe("refuse");
  });

  test.each([
    ["set", "open"],
    ["session", "refuse"],
  ] as const)(
    "lets exactly one copy of a failed %s run again, and each time it fails",
    async (endpoint, rest) => {
      await one.claim(mac, endpoint, later());
      for (let turn = 0; turn < 2; turn += 1) {
        await one.settle(mac, endpoint, "failed");
        const copies = Array.from({ length: 100 }, (_, n) =>
          (n % 2 ? one : other).claim(mac, endpoint, later()),
        );
        const claims = await Promise.all(copies);
        expect(claims.filter((claim) => claim === "run").length).toBe(1);
        expect(claims.filter((claim) => claim === rest).length).toBe(99);
      }
      await other.settle(mac, endpoint, "done");
      expect(await one.claim(mac, endpoint, later())).toBe(endpoint === "set" ? "repeat" : "refuse");
    },
  );

  test.each([
    ["set", "open"],
    ["session", "refuse"],
  ] as const)("lets exactly one of 1,000 copies of a %s run", async (endpoint, rest) => {
    const copies = Array.from({ length: 1000 }, (_, n) =>
      (n % 2 ? one : other).claim(mac, endpoint, later()),
    );
    const claims = await Promise.all(copies);
    expect(claims.filter((claim) => claim === "run").length).toBe(1);
    expect(claims.filter((claim) => claim === rest).length).toBe(999);
  });

  test.each(["set", "session"] as const)(
    "may have forgotten a %s that was signed before its memory began",
    async (endpoint) => {
      expect(await one.claim(mac, endpoint, Date.now() - 30_000)).toBe("open");
      expect(await other.claim(mac, endpoint, Date.now() - 30_000)).toBe("open");
    },
  );

  test("remembers what it can of what was signed before its memory began", async () => {
    await one.claim(mac, "set", later());
    await one.settle(mac, "set", "done");
    expect(await other.claim(mac, "set", 0)).toBe("repeat");
    expect(await other.claim(mac, "session", 0)).toBe("refuse");
  });

  test("forgets a signature when it can no longer be sent", async () => {
    const brief = await open(150);
    await brief.one.claim(mac, "set", later());
    const from = performance.now();
    await brief.one.settle(mac, "set", "done");
    expect(await eventually(async () => brief.other.claim(mac, "session", later()), "run")).toBe("run");
    expect(performance.now() - from).toBeGreaterThan(140);
    brief.close();
  });

  test("keeps a failed request that runs again no longer than the first time", async () => {
    const brief = await open(400);
    await brief.one.claim(mac, "set", later());
    await brief.one.settle(mac, "set", "failed");
    await brief.one.claim(mac, "set", later());
    expect(await eventually(async () => brief.other.claim(mac, "session", later()), "run")).toBe("run");
    brief.close();
  });
}

describe("the replay guard of a process", () => {
  declareContract(async (keepMs) => {
    const guard = createProcessReplayGuard({ keepMs, now: Date.now, elapsed: Date.now });
    return { one: guard, other: guard, close: () => {} };
  });

  test("remembers each signature for at least as long as it was told, by its own clock", async () => {
    const clock = { nowMs: 1_000_000 };
    const guard = createProcessReplayGuard({
      keepMs: 1000,
      now: () => clock.nowMs,
      elapsed: () => clock.nowMs,
    });
    for (let start = 0; start < 4000; start += 130) {
      const mac = newMac();
      await guard.claim(mac, "set", clock.nowMs);
      for (let age = 0; age < 1000; age += 111) {
        clock.nowMs += 111;
        expect(await guard.claim(mac, "session", clock.nowMs)).toBe("refuse");
      }
    }
  });

  test("holds no more than what came in twice that time", async () => {
    const clock = { nowMs: 1_000_000 };
    const guard = createProcessReplayGuard({
      keepMs: 1000,
      now: () => clock.nowMs,
      elapsed: () => clock.nowMs,
    });
    const macs: Uint8Array[] = [];
    for (let number = 0; number < 10_000; number += 1) {
      clock.nowMs += 1;
      const mac = newMac();
      macs.push(mac);
      await guard.claim(mac, "get", clock.nowMs);
    }
    const held = macs.filter((mac) => guard.has(mac)).length;
    expect(held >= 1000 && held <= 2000).toBe(true);
    clock.nowMs += 2000;
    expect(macs.filter((mac) => guard.has(mac)).length).toBe(0);
  });

  test("remembers what it knew when the clock is set forward and back", async () => {
    const clock = { nowMs: 1_000_000 };
    const guard = createProcessReplayGuard({ keepMs: 125_000, now: () => clock.nowMs, elapsed: () => 0 });
    const mac = newMac();
    await guard.claim(mac, "session", clock.nowMs);
    clock.nowMs += 600_000;
    await guard.claim(newMac(), "get", clock.nowMs);
    clock.nowMs -= 600_000;
    expect(await guard.claim(mac, "session", clock.nowMs)).toBe("refuse");
  });

  test("begun anew, remembers what it knew and vouches for nothing else from before", async () => {
    const clock = { nowMs: 1_000_000 };
    const guard = createProcessReplayGuard({
      keepMs: 60_000,
      now: () => clock.nowMs,
      elapsed: () => clock.nowMs,
    });
    const [known, unknown] = [newMac(), newMac()];
    await guard.claim(known, "session", clock.nowMs);
    clock.nowMs += 1000;
    guard.beginAnew();
    expect(await guard.claim(known, "session", clock.nowMs - 500)).toBe("refuse");
    expect(await guard.claim(unknown, "session", clock.nowMs - 500)).toBe("open");
    expect(await guard.claim(unknown, "session", clock.nowMs)).toBe("run");
  });
});

for (const { name, open } of sharedPlaces.slice(0, 2)) {
  describeWithPrivate("redis", `the replay guard in ${name}`, () => {
    declareContract(async (rememberMs) => {
      const place = await open();
      const first = openStore(place, { rememberMs });
      const second = openStore(place, { rememberMs, keyPrefix: first.keyPrefix });
      await Promise.all([first.filling(), second.filling()]);
      const close = () => {
        first.close();
        second.close();
      };
      return { one: first.replayGuard, other: second.replayGuard, close };
    });
  });
}

describe("without a replay guard", () => {
  test("everything runs", async () => {
    const mac = newMac();
    for (const endpoint of ["get", "session", "set", "session"] as const)
      expect(await withoutReplayGuard.claim(mac, endpoint, 0)).toBe("run");
  });
});
