import { describe, expect, test } from "bun:test";
import pino from "pino";
import { eventually } from "../../scripts/servers/waiting.ts";
import { ConfigurationInvalid, DatabaseUnavailable } from "../../src/errors.ts";
import { createDependencyWatch, type Problem, type RedisState } from "../../src/process/dependency-watch.ts";
import { errorOf } from "../support/outcome.ts";

const redis = { status: "not configured" } as const;
const ok = { status: "ok" } as const;
const outage = new DatabaseUnavailable("nothing answers at the database's address", "start the database");
const outageReport = {
  status: "unavailable",
  reason: "nothing answers at the database's address",
  fix: "start the database",
} as const;

/** What the database answers next: `null` = it is there and fits. */
interface Database {
  answer: Error | null;
}

async function until(holds: () => boolean): Promise<void> {
  expect(await eventually(async () => holds(), true)).toBe(true);
}

/** Asks so rarely, unless told otherwise, that only `start` asks within a test. */
function watchOver(database: Database, intervalMs = 600_000, redisState: RedisState | null = null) {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { base: null, timestamp: false },
    { write: (line: string) => lines.push(JSON.parse(line)) },
  );
  let asked = 0;
  async function verifyDatabase(): Promise<void> {
    asked += 1;
    if (database.answer !== null) throw database.answer;
  }
  const watch = createDependencyWatch({ verifyDatabase, redis: redisState, logger, intervalMs });
  const askedAgain = async (times: number) => {
    const target = asked + times;
    await until(() => asked >= target);
  };
  return { ...watch, lines, asked: () => asked, askedAgain, [Symbol.dispose]: watch.drain };
}

describe("report", () => {
  test("is starting before the first contact with the database", async () => {
    using watch = watchOver({ answer: outage });
    expect(watch.report()).toEqual({
      status: "starting",
      dependencies: {
        database: {
          status: "unavailable",
          reason: "it has not answered yet",
          fix: "none needed: it is retried",
        },
        redis,
      },
      filling: false,
    });
    await watch.start();
    expect(watch.report()).toEqual({
      status: "starting",
      dependencies: { database: outageReport, redis },
      filling: false,
    });
  });

  test("is ok once the database has answered", async () => {
    using watch = watchOver({ answer: null });
    await watch.start();
    expect(watch.report()).toEqual({ status: "ok", dependencies: { database: ok, redis }, filling: false });
  });

  test("is unavailable, with the reason, when the database goes away, and ok when it is back", async () => {
    const database: Database = { answer: null };
    using watch = watchOver(database, 1);
    await watch.start();
    database.answer = outage;
    await until(() => watch.report().status !== "ok");
    expect(watch.report()).toEqual({
      status: "unavailable",
      dependencies: { database: outageReport, redis },
      filling: false,
    });
    database.answer = null;
    await until(() => watch.report().status === "ok");
    expect(watch.report().dependencies.database).toEqual(ok);
  });

  test("says every problem of a table that does not fit", async () => {
    const database: Database = { answer: null };
    using watch = watchOver(database, 1);
    await watch.start();
    database.answer = new ConfigurationInvalid(["USERS_TABLE: one.", "USERS_LOGIN_ID_COLUMN: two."]);
    await until(() => watch.report().status !== "ok");
    expect(watch.report().dependencies.database).toEqual({
      status: "unavailable",
      reason: "USERS_TABLE: one. USERS_LOGIN_ID_COLUMN: two.",
      fix: "change the table or the setting; it is retried",
    });
  });

  test("repeats nothing of an error that is not ours, which may quote data", async () => {
    using watch = watchOver({ answer: new Error("marker") });
    await watch.start();
    expect(watch.report().dependencies.database).toMatchObject({
      status: "unavailable",
      reason: "the check failed",
    });
    expect(JSON.stringify([watch.report(), watch.lines])).not.toContain("marker");
  });

  test("is draining from the moment of the drain, whatever the database answers", async () => {
    using watch = watchOver({ answer: null });
    await watch.start();
    expect(watch.isDraining()).toBe(false);
    watch.drain();
    expect(watch.isDraining()).toBe(true);
    expect(watch.report()).toEqual({
      status: "draining",
      dependencies: { database: ok, redis },
      filling: false,
    });
  });
});

describe("report with Redis", () => {
  interface State {
    readonly live: boolean;
    readonly filling?: boolean;
    readonly problem?: Problem | null;
    readonly impairment?: Problem;
  }
  const redisWith = (state: State): RedisState => ({
    firstContact: Promise.resolve(),
    isLive: () => state.live,
    isFilling: () => state.filling ?? false,
    problem: () => state.problem ?? null,
    impairment: () => state.impairment ?? null,
  });

  test("is ok while both answer, and says whether misses are stored", async () => {
    for (const filling of [false, true]) {
      using watch = watchOver({ answer: null }, 600_000, redisWith({ live: true, filling }));
      await watch.start();
      expect(watch.report()).toEqual({ status: "ok", dependencies: { database: ok, redis: ok }, filling });
    }
  });

  test("is degraded without Redis, whose reason it tells", async () => {
    const refused = { reason: "nothing answers", fix: "start it" };
    const silent = {
      reason: "no master answers",
      fix: "start Redis, or correct REDIS_URL and REDIS_MODE; bun run doctor says more",
    };
    for (const problem of [refused, null]) {
      using watch = watchOver({ answer: null }, 600_000, redisWith({ live: false, problem }));
      await watch.start();
      expect(watch.report()).toEqual({
        status: "degraded",
        dependencies: {
          database: ok,
          redis: { status: "unavailable", ...(problem ?? silent) },
        },
        filling: false,
      });
    }
  });

  test("is degraded, and says so once in the log, while Redis answers and something is wrong there", async () => {
    const impairment = { reason: "a master is away: 192.0.2.1:6379", fix: "start it" };
    using watch = watchOver({ answer: null }, 1, redisWith({ live: true, impairment }));
    await watch.start();
    expect(watch.report()).toEqual({
      status: "degraded",
      dependencies: { database: ok, redis: { status: "degraded", ...impairment } },
      filling: false,
    });
    await Bun.sleep(20);
    const said = watch.lines.filter(({ msg }) => msg === "Redis is degraded");
    expect(said).toEqual([{ level: 50, msg: "Redis is degraded", ...impairment }]);
  });

  test("is degraded without the database once it was there, since hits can be served", async () => {
    const database: Database = { answer: null };
    using watch = watchOver(database, 1, redisWith({ live: true }));
    await watch.start();
    database.answer = outage;
    await until(() => watch.report().status !== "ok");
    expect(watch.report().status).toBe("degraded");
  });

  test("is starting, Redis or not, before the database has ever answered", async () => {
    using watch = watchOver({ answer: outage }, 600_000, redisWith({ live: true }));
    await watch.start();
    expect(watch.report().status).toBe("starting");
  });

  test("is unavailable when both are away", async () => {
    const database: Database = { answer: null };
    using watch = watchOver(database, 1, redisWith({ live: false }));
    await watch.start();
    database.answer = outage;
    await until(() => watch.report().dependencies.database.status !== "ok");
    expect(watch.report().status).toBe("unavailable");
  });
});

describe("start", () => {
  /** Redis, which a master answers for once `meet` is called. */
  function redisToMeet() {
    const { promise: firstContact, resolve } = Promise.withResolvers<void>();
    let live = false;
    const meet = () => {
      live = true;
      resolve();
    };
    const state: RedisState = {
      firstContact,
      isLive: () => live,
      isFilling: () => false,
      problem: () => null,
      impairment: () => null,
    };
    return { state, meet };
  }

  test("asks the database while Redis is still to be met, which the log calls away no sooner", async () => {
    const { state, meet } = redisToMeet();
    using watch = watchOver({ answer: null }, 600_000, state);
    const started = watch.start();
    await until(() => watch.report().dependencies.database.status === "ok");
    expect(watch.lines).toEqual([{ level: 30, msg: "the database answers" }]);
    meet();
    await started;
    expect(watch.lines.map(({ msg }) => msg)).toEqual(["the database answers", "Redis answers"]);
  });

  test("throws that the set-up cannot work without waiting for Redis", async () => {
    const { state } = redisToMeet();
    using watch = watchOver({ answer: new ConfigurationInvalid(["USERS_TABLE: none."]) }, 600_000, state);
    expect(String(await errorOf(watch.start()))).toContain("USERS_TABLE: none.");
  });

  test("throws that the set-up cannot work, and goes on asking", async () => {
    const database: Database = { answer: new ConfigurationInvalid(["USERS_TABLE: none."]) };
    using watch = watchOver(database, 1);
    expect(String(await errorOf(watch.start()))).toContain("USERS_TABLE: none.");
    expect(watch.report().status).toBe("starting");
    database.answer = null;
    await until(() => watch.report().status === "ok");
  });

  test("logs a set-up that cannot work only if the process goes on although the start has thrown it", async () => {
    const answer = new ConfigurationInvalid(["USERS_TABLE: none."]);
    using ending = watchOver({ answer });
    expect(String(await errorOf(ending.start()))).toContain("USERS_TABLE: none.");
    expect(ending.lines).toEqual([]);
    using lasting = watchOver({ answer }, 1);
    expect(String(await errorOf(lasting.start()))).toContain("USERS_TABLE: none.");
    await lasting.askedAgain(2);
    expect(lasting.lines).toMatchObject([
      { reason: "USERS_TABLE: none.", msg: "the database is unavailable" },
    ]);
  });

  test("does not throw because the database is away, and recovers by itself", async () => {
    const database: Database = { answer: outage };
    using watch = watchOver(database, 1);
    await watch.start();
    expect(watch.report().status).toBe("starting");
    database.answer = null;
    await until(() => watch.report().status === "ok");
  });

  test("does not ask again while the last question is open", async () => {
    const open: (() => void)[] = [];
    let asked = 0;
    const watch = createDependencyWatch({
      verifyDatabase() {
        asked += 1;
        return new Promise((resolve) => open.push(resolve));
      },
      redis: null,
      logger: pino({ level: "silent" }),
      intervalMs: 1,
    });
    const started = watch.start();
    // Far more timers of the same interval than a second question would need.
    for (let turn = 0; turn < 20; turn += 1) await Bun.sleep(1);
    expect(asked).toBe(1);
    open.shift()?.();
    await started;
    await until(() => asked === 2);
    watch.drain();
    open.shift()?.();
  });
});

describe("the log", () => {
  test("gets one line when the answer changes, not one for each question", async () => {
    const database: Database = { answer: outage };
    using watch = watchOver(database, 1);
    await watch.start();
    await watch.askedAgain(5);
    database.answer = null;
    await until(() => watch.report().status === "ok");
    await watch.askedAgain(5);
    database.answer = outage;
    await until(() => watch.report().status === "unavailable");
    await watch.askedAgain(5);
    expect(watch.lines).toEqual([
      {
        level: 50,
        reason: "nothing answers at the database's address",
        fix: "start the database",
        msg: "the database is unavailable",
      },
      { level: 30, msg: "the database answers" },
      {
        level: 50,
        reason: "nothing answers at the database's address",
        fix: "start the database",
        msg: "the database is unavailable",
      },
    ]);
  });

  test("gets a line when only the reason changes", async () => {
    const database: Database = { answer: outage };
    using watch = watchOver(database, 1);
    await watch.start();
    database.answer = new DatabaseUnavailable("the password is wrong", "correct it");
    await watch.askedAgain(3);
    expect(watch.lines.map(({ reason }) => reason)).toEqual([
      "nothing answers at the database's address",
      "the password is wrong",
    ]);
  });
});

describe("drain", () => {
  /** Long enough for many questions at an interval of 1 ms. */
  async function manyTurns(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await Bun.sleep(1);
  }

  test("ends the questions", async () => {
    using watch = watchOver({ answer: null }, 1);
    await watch.start();
    await watch.askedAgain(1);
    watch.drain();
    const askedBefore = watch.asked();
    await manyTurns();
    expect(watch.asked()).toBe(askedBefore);
  });

  test("lets no question follow one that is open at that moment", async () => {
    const answers: (() => void)[] = [];
    const watch = createDependencyWatch({
      verifyDatabase: () => new Promise((resolve) => answers.push(resolve)),
      redis: null,
      logger: pino({ level: "silent" }),
      intervalMs: 1,
    });
    const started = watch.start();
    watch.drain();
    answers[0]?.();
    await started;
    await manyTurns();
    expect(answers).toHaveLength(1);
  });
});
