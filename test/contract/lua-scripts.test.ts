import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Redis } from "ioredis";
import { type RedisServer, sharedRedis, startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { scripts } from "../../src/redis/scripts.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";

setDefaultTimeout(30_000);

const long = 60_000;
const foreign = Buffer.from("foreign!");

/** What READ answers, in words; the epoch is looked at by the tests that are about it. */
async function read(redis: Redis, key: string, token = "fresh", tokenMs = long): Promise<string[]> {
  const [state, valueOrToken] = await scripts.readHash(redis, key, token, tokenMs);
  if (valueOrToken === undefined) return [String(state)];
  return [String(state), String(state) === "miss" ? drawn(valueOrToken) : String(valueOrToken)];
}

/** Of a token, what its caller drew: Redis adds the instant, so that no run sets the same token again. */
function drawn(token: Buffer | string | null): string {
  const [, name] = /^(.*):\d{9,11}:\d{1,6}$/.exec(String(token)) ?? [];
  if (name === undefined) throw new Error(`no instant in the token ${token}`);
  return name;
}

/** Runs BEGIN where no other writer has the write lock. */
async function beginUnlocked(
  redis: Redis,
  key: string,
  writer: string,
  token: string,
  quarantineMs: number,
  ...repeatable: [] | [seen: string, lockMs: number]
) {
  const reply = await scripts.beginWrite(redis, key, writer, token, quarantineMs, ...repeatable);
  if (reply === null) throw new Error("another writer has the write lock");
  return reply;
}

async function write(redis: Redis, key: string, value: string): Promise<void> {
  const [, epoch, token] = await beginUnlocked(redis, key, "ann", "t1", long);
  expect(await scripts.endWrite(redis, key, "ann", epoch, token, "t2", value, long, long)).toBe(1);
}

async function epochOf(redis: Redis): Promise<string> {
  const [, epoch] = await beginUnlocked(redis, `epoch:${crypto.randomUUID()}`, "writer", "token", 1000);
  return epoch;
}

describeWith("redis", "the Lua scripts", () => {
  let redis: Redis;
  let epoch: string;
  let key: string;

  beforeAll(async () => {
    redis = new Redis((await sharedRedis()).url());
    epoch = await epochOf(redis);
  });
  afterAll(() => redis.disconnect());
  beforeEach(() => {
    key = `scripts:${crypto.randomUUID()}`;
  });

  const held = async () => (await redis.hget(key, "t")) ?? "none";
  /** By a reader that was given the token that is there now, unless the test says otherwise. */
  const fill = async (value: string, { token = "", lifeMs = long, of = epoch } = {}) =>
    scripts.fillHash(redis, key, of, token || (await held()), value, lifeMs);
  /** Answers whether the writer is alone; `tokens` has its token by the writer's name. */
  const tokens = new Map<string, string>();
  async function begin(writer: string, token: string, quarantineMs = long): Promise<number> {
    const [isSolo, , answered] = await beginUnlocked(redis, key, writer, token, quarantineMs);
    expect(answered.toString()).toBe(await held());
    tokens.set(writer, answered);
    return isSolo;
  }
  const end = (writer: string, value: string, { of = epoch, lifeMs = long } = {}) =>
    scripts.endWrite(redis, key, writer, of, tokens.get(writer) ?? "", "t-end", value, lifeMs, 5000);
  const purge = (token: string) => scripts.purgeHash(redis, key, token, 5000);
  const fields = async () => (await redis.hkeys(key)).sort().join(" ");
  const token = async () => drawn(await held());
  const value = () => redis.hget(key, "v");
  const lives = async (atMost: number) => {
    const ms = await redis.pttl(key);
    return ms > atMost - 2000 && ms <= atMost;
  };
  /** Lets the marker of a writer, the stale mark, or the write lock lapse at this instant of the clock of Redis. */
  async function lapse(field: `w:${string}` | "s" | "x"): Promise<void> {
    const [seconds, micros] = await redis.time();
    const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    const lapsing = String(await redis.hget(key, field)).replace(/^\d+/, String(nowMs));
    expect(await redis.hset(key, field, lapsing)).toBe(0);
  }
  /** As a restart from a snapshot would leave it. */
  const makeForeign = () => redis.hset(key, "e", foreign);

  describe("readHash", () => {
    test("answers a miss with the token it was given and this server's epoch, to live F", async () => {
      const [state, given, answered] = await scripts.readHash(redis, key, "t1", 5000);
      expect([String(state), drawn(given ?? null)]).toEqual(["miss", "t1"]);
      expect(String(given)).toBe(await held());
      expect(answered).toBe(epoch);
      expect(await fields()).toBe("e t");
      expect(await lives(5000)).toBe(true);
    });

    test("answers a second miss with the first one's token, and lets it live F again", async () => {
      await read(redis, key, "t1", 3000);
      expect(await read(redis, key, "t2", 9000)).toEqual(["miss", "t1"]);
      expect(await lives(9000)).toBe(true);
    });

    test("answers a hit with the value, and leaves its life alone", async () => {
      await read(redis, key, "t1");
      await fill("devices", { lifeMs: 30_000 });
      expect(await read(redis, key, "t2", 1000)).toEqual(["hit", "devices"]);
      expect(await read(redis, key, "t2", 1000)).toEqual(["hit", "devices"]);
      expect(await lives(30_000)).toBe(true);
    });

    test("answers ask while a marker stands, and does not shorten its life", async () => {
      await begin("ann", "t1", long);
      expect(await read(redis, key, "t2", 1000)).toEqual(["ask"]);
      expect(await read(redis, key, "t2", 1000)).toEqual(["ask"]);
      expect(await lives(long)).toBe(true);
      expect(await token()).toBe("t1");
    });

    test("resets a hash of another epoch", async () => {
      await read(redis, key, "t1");
      await fill("before the restart");
      await makeForeign();
      expect(await read(redis, key, "t2", 5000)).toEqual(["miss", "t2"]);
      expect(await fields()).toBe("e t");
      expect((await redis.hgetBuffer(key, "e"))?.toString("hex")).toBe(epoch);
      expect(await lives(5000)).toBe(true);
    });

    test("keeps the markers of a hash of another epoch", async () => {
      await begin("ann", "t1");
      await redis.hset(key, "v", "before the restart");
      await makeForeign();
      expect(await read(redis, key, "t2")).toEqual(["ask"]);
      expect(await fields()).toBe("e n t w:ann");
      expect(await token()).toBe("t2");
    });

    test("removes a marker that has lapsed by the clock of Redis, and keeps one that has not", async () => {
      await begin("ann", "t1", long);
      await begin("bob", "t2", 30);
      const marks = async () => {
        expect(await read(redis, key)).toEqual(["ask"]);
        return fields();
      };
      expect(await eventually(marks, "e n t w:ann")).toBe("e n t w:ann");
    });

    test("clears n with the last marker that lapses", async () => {
      await begin("ann", "t1");
      await begin("bob", "t2");
      await lapse("w:ann");
      expect(await read(redis, key)).toEqual(["ask"]);
      expect(await fields()).toBe("e n t w:bob");
      await lapse("w:bob");
      expect(await read(redis, key)).toEqual(["miss", "t2"]);
      expect(await fields()).toBe("e t");
    });
  });

  describe("fillHash", () => {
    beforeEach(() => read(redis, key, "t1", 5000));

    test("stores the value for T", async () => {
      expect(await fill("devices", { lifeMs: 30_000 })).toBe(1);
      expect(await value()).toBe("devices");
      expect(await lives(30_000)).toBe(true);
    });

    test("keeps the value for ever where T is 0", async () => {
      expect(await fill("devices", { lifeMs: 0 })).toBe(1);
      expect(await redis.pttl(key)).toBe(-1);
    });

    test("stores once: run again it finds a value", async () => {
      expect(await fill("devices", { lifeMs: 30_000 })).toBe(1);
      expect(await fill("devices of another reader", { lifeMs: 9000 })).toBe(0);
      expect(await value()).toBe("devices");
      expect(await lives(30_000)).toBe(true);
    });

    test("stores nothing after a purge, even one that drew the same token", async () => {
      for (const next of ["t2", "t1"]) {
        const before = await held();
        await purge(next);
        expect(await fill("stale", { token: before })).toBe(0);
      }
      expect(await value()).toBeNull();
    });

    test("stores nothing once a writer has begun, nor after it has ended", async () => {
      const before = await held();
      await begin("ann", "t1");
      expect(await fill("stale", { token: before })).toBe(0);
      await end("ann", "");
      expect(await fill("stale", { token: before })).toBe(0);
      expect(await fields()).toBe("e t");
    });

    test("stores nothing while a marker stands, whatever the token", async () => {
      await begin("ann", "t2");
      expect(await fill("stale")).toBe(0);
    });

    test("stores nothing under another token", async () => {
      expect(await fill("stale", { token: "t1" })).toBe(0);
    });

    test("stores nothing for a reader of another epoch", async () => {
      expect(await fill("stale", { of: foreign.toString("hex") })).toBe(0);
    });

    test("stores nothing in a hash of another epoch, even if the reader's is the same", async () => {
      await makeForeign();
      expect(await fill("stale")).toBe(0);
      expect(await fill("stale", { of: foreign.toString("hex") })).toBe(0);
      expect(await value()).toBeNull();
    });

    test("makes no hash where the token has expired", async () => {
      await redis.del(key);
      expect(await fill("stale")).toBe(0);
      expect(await redis.exists(key)).toBe(0);
    });

    test.each([
      ["emoji and letters of many bytes", "👩🏽‍🚀 zoë ﷽"],
      ["line separators that JSON allows", '{"a":"\u2028\u2029"}'],
      ["quotes, backslashes and line ends", "\"'\\\r\n\0"],
      ["60,000 characters", "0123456789ab".repeat(5000)],
    ])("keeps %s to the byte", async (_what, text) => {
      expect(await fill(text)).toBe(1);
      expect(await read(redis, key)).toEqual(["hit", text]);
      await begin("ann", "t2");
      expect(await end("ann", text)).toBe(1);
      expect((await redis.hgetBuffer(key, "v"))?.equals(Buffer.from(text))).toBe(true);
    });
  });

  describe("beginWrite", () => {
    test("answers that it is the only writer, and the epoch", async () => {
      const [isSolo, answered] = await beginUnlocked(redis, key, "ann", "t1", long);
      expect(isSolo).toBe(1);
      expect(answered).toBe(epoch);
      expect(await fields()).toBe("e n t w:ann");
    });

    test("answers that it is not the only writer", async () => {
      await begin("ann", "t1");
      expect(await begin("bob", "t2")).toBe(0);
      expect(await fields()).toBe("e n t w:ann w:bob");
    });

    test("drops the value and changes the token", async () => {
      await read(redis, key, "t1");
      await fill("devices");
      await begin("ann", "t2");
      expect(await value()).toBeNull();
      expect(await token()).toBe("t2");
    });

    test("lets the marker lapse Q later by the clock of Redis, and the hash not before", async () => {
      const [seconds] = await redis.time();
      await begin("ann", "t1", 9000);
      const lapses = Number(await redis.hget(key, "w:ann")) - Number(seconds) * 1000;
      expect(lapses >= 9000 && lapses < 12_000).toBe(true);
      expect(await lives(9000)).toBe(true);
    });

    test("gives a hash that was kept for ever a life of Q", async () => {
      await read(redis, key, "t1");
      await fill("devices", { lifeMs: 0 });
      await begin("ann", "t2", 9000);
      expect(await lives(9000)).toBe(true);
    });

    test("does not shorten the life of a hash in which another marker stands for longer", async () => {
      await begin("ann", "t1", 30_000);
      await begin("bob", "t2", 3000);
      expect(await lives(30_000)).toBe(true);
      await begin("eve", "t3", long);
      expect(await lives(long)).toBe(true);
    });

    test("does not count a writer whose marker has lapsed", async () => {
      await begin("ann", "t1");
      await lapse("w:ann");
      expect(await begin("bob", "t2")).toBe(1);
      expect(await fields()).toBe("e n t w:bob");
    });

    test("resets a hash of another epoch, and counts the writers that it remembers", async () => {
      await begin("ann", "t1");
      await makeForeign();
      expect(await begin("bob", "t2")).toBe(0);
      expect(await fields()).toBe("e n t w:ann w:bob");
      expect((await redis.hgetBuffer(key, "e"))?.toString("hex")).toBe(epoch);
    });

    test("run again, changes no more than the token, and END stores under the last one only", async () => {
      expect(await begin("ann", "t1")).toBe(1);
      const first = tokens.get("ann") ?? "";
      expect(await begin("ann", "t1")).toBe(1);
      expect(await fields()).toBe("e n t w:ann");
      expect(await scripts.endWrite(redis, key, "ann", epoch, first, "t2", "devices", long, long)).toBe(0);
      expect(await begin("ann", "t1")).toBe(1);
      expect(await begin("ann", "t1")).toBe(1);
      expect(await end("ann", "devices")).toBe(1);
    });

    test("run again after another writer began, lets no END store", async () => {
      await begin("ann", "t1");
      const [first, answered] = [tokens.get("ann") ?? "", await begin("bob", "t2")];
      expect(answered).toBe(0);
      await begin("ann", "t1");
      expect(await end("bob", "newer")).toBe(0);
      expect(await scripts.endWrite(redis, key, "ann", epoch, first, "t3", "older", long, long)).toBe(0);
      expect(await fields()).toBe("e t");
    });

    test("sets the caller's token only if nobody has begun a write or purged since the token that it has seen", async () => {
      await write(redis, key, "devices");
      const seen = await held();
      const beginAgain = (writer: string) => beginUnlocked(redis, key, writer, "mine", long, seen, 0);
      for (const writer of ["ann", "again", "and again"]) {
        await beginAgain(writer);
        expect(await token()).toBe("mine");
      }
      await begin("bob", "t3");
      await beginAgain("ann");
      expect(await token()).toBe("ann");
      await beginAgain("mine");
      await purge("t4");
      await beginAgain("cat");
      expect(await token()).toBe("cat");
      await redis.del(key);
      await beginAgain("dan");
      expect(await token()).toBe("dan");
    });

    test("run again in another epoch, resets the hash", async () => {
      await begin("ann", "t1");
      await redis.hset(key, "v", "before the restart");
      await makeForeign();
      await begin("ann", "t1");
      expect(await fields()).toBe("e n t w:ann");
      expect((await redis.hgetBuffer(key, "e"))?.toString("hex")).toBe(epoch);
    });

    test("answers the value and the token that the hash held, if it could be believed", async () => {
      const found = async (drew: string) => (await beginUnlocked(redis, key, "ann", drew, long)).slice(3);
      expect(await found("t1")).toEqual([0, null, null]);
      await end("ann", "");
      await redis.del(key);
      await write(redis, key, "devices");
      const before = await held();
      expect(await found("t5")).toEqual([0, before, "devices"]);
      expect(await found("t6")).toEqual([0, expect.stringMatching(/^t5:/), null]);
      await redis.del(key);
      await write(redis, key, "devices");
      await makeForeign();
      expect(await found("t7")).toEqual([0, null, null]);
    });

    test("arriving after its END, hides the value until the marker lapses", async () => {
      await begin("ann", "t1");
      await end("ann", "devices");
      await begin("ann", "t1");
      expect(await read(redis, key)).toEqual(["ask"]);
      await lapse("w:ann");
      expect(await read(redis, key)).toEqual(["miss", "t1"]);
    });
  });

  describe("endWrite", () => {
    test("stores the committed value for T, and takes the marker away", async () => {
      await begin("ann", "t1");
      expect(await end("ann", "devices", { lifeMs: 30_000 })).toBe(1);
      expect(await fields()).toBe("e t v");
      expect(await lives(30_000)).toBe(true);
      expect(await read(redis, key)).toEqual(["hit", "devices"]);
    });

    test("keeps the value for ever where T is 0", async () => {
      await begin("ann", "t1");
      expect(await end("ann", "devices", { lifeMs: 0 })).toBe(1);
      expect(await redis.pttl(key)).toBe(-1);
    });

    test("without a value takes the marker away and lets the hash live F", async () => {
      await begin("ann", "t1");
      expect(await end("ann", "")).toBe(0);
      expect(await fields()).toBe("e t");
      expect(await lives(5000)).toBe(true);
    });

    test("stores nothing while another writer is under way, whose marker and life stay", async () => {
      await begin("ann", "t1");
      await begin("bob", "t2");
      expect(await end("bob", "devices")).toBe(0);
      expect(await fields()).toBe("e n t w:ann");
      expect(await lives(long)).toBe(true);
    });

    test("stores nothing if another writer overlapped, even one that has ended", async () => {
      await begin("ann", "t1");
      await begin("bob", "t2");
      await end("bob", "newer");
      expect(await end("ann", "older")).toBe(0);
      expect(await fields()).toBe("e t");
    });

    test("stores nothing after a purge", async () => {
      await begin("ann", "t1");
      await purge("t2");
      expect(await end("ann", "devices")).toBe(0);
      expect(await fields()).toBe("e t");
    });

    test("run again, drops the value that it stored and changes the token", async () => {
      await begin("ann", "t1");
      expect(await end("ann", "devices")).toBe(1);
      expect(await end("ann", "devices")).toBe(0);
      expect(await fields()).toBe("e t");
      expect(await token()).toBe("t-end");
      expect(await lives(5000)).toBe(true);
    });

    test("drops the value, and stores none, once the marker has lapsed", async () => {
      await begin("ann", "t1");
      await lapse("w:ann");
      expect(await read(redis, key)).toEqual(["miss", "t1"]);
      expect(await fill("read since")).toBe(1);
      expect(await end("ann", "written long ago")).toBe(0);
      expect(await fields()).toBe("e t");
      expect(await token()).toBe("t-end");
    });

    test("drops the value, and stores none, if the writer began in another epoch", async () => {
      await begin("ann", "t1");
      expect(await end("ann", "devices", { of: foreign.toString("hex") })).toBe(0);
      expect(await fields()).toBe("e t");
      expect(await token()).toBe("t-end");
    });

    test("resets a hash that is of another epoch, and takes its marker from it", async () => {
      await begin("ann", "t1");
      await begin("bob", "t2");
      await redis.hset(key, "v", "before the restart");
      await makeForeign();
      expect(await end("ann", "devices", { of: foreign.toString("hex") })).toBe(0);
      expect(await fields()).toBe("e n t w:bob");
      expect((await redis.hgetBuffer(key, "e"))?.toString("hex")).toBe(epoch);
      expect(await end("bob", "devices", { of: foreign.toString("hex") })).toBe(0);
      expect(await fields()).toBe("e t");
    });

    test("makes no hash where there is none", async () => {
      expect(await end("ann", "devices")).toBe(0);
      expect(await redis.exists(key)).toBe(0);
    });
  });

  describe("the write lock", () => {
    let seen: string;
    /** Begins a write that has read the value beside the token `seen`, and gets the write lock. */
    const beginLocked = (writer: string) => scripts.beginWrite(redis, key, writer, "mine", long, seen, long);
    const beginOther = () => scripts.beginWrite(redis, key, "bob", "t3", long);
    const endLocked = async (writer: string) =>
      scripts.endWrite(redis, key, writer, epoch, await held(), "t4", "newer", long, 5000);

    beforeEach(async () => {
      await write(redis, key, "devices");
      seen = await held();
      expect(await beginLocked("ann")).not.toBeNull();
    });

    test("refuses every other writer, who changes nothing", async () => {
      const before = await redis.hgetall(key);
      expect(await beginOther()).toBeNull();
      expect(await scripts.beginWrite(redis, key, "bob", "theirs", long, seen, long)).toBeNull();
      expect(await redis.hgetall(key)).toEqual(before);
      expect(await read(redis, key)).toEqual(["ask"]);
    });

    test("is removed by END of its writer, and of no other", async () => {
      expect(await endLocked("bob")).toBe(0);
      expect(await fields()).toBe("e n t w:ann x");
      expect(await endLocked("ann")).toBe(1);
      expect(await fields()).toBe("e t v");
      expect(await beginOther()).not.toBeNull();
    });

    test("outlives END if BEGIN ran before, since the UPDATE of that run may be in flight", async () => {
      expect(await beginLocked("again")).not.toBeNull();
      expect(await endLocked("again")).toBe(0);
      expect(await fields()).toBe("e n t w:ann x");
      expect(await beginOther()).toBeNull();
    });

    test("lapses no sooner if BEGIN runs again with a shorter lifetime", async () => {
      const before = Number.parseInt((await redis.hget(key, "x")) ?? "", 10);
      expect(await scripts.beginWrite(redis, key, "again", "mine", long, seen, 1000)).not.toBeNull();
      expect(Number.parseInt((await redis.hget(key, "x")) ?? "", 10)).toBe(before);
    });

    test("lapses", async () => {
      await lapse("x");
      expect(await beginOther()).not.toBeNull();
      expect(await fields()).toBe("e n t w:ann w:bob");
    });

    test("is given to nobody after another writer or a purge", async () => {
      await lapse("x");
      await beginOther();
      expect(await beginLocked("ann")).not.toBeNull();
      await purge("t5");
      expect(await beginLocked("ann")).not.toBeNull();
      expect(await redis.hexists(key, "x")).toBe(0);
    });

    test("is given to nobody after a lookup has filled the hash, since a set may have hit that value", async () => {
      await lapse("x");
      await lapse("w:ann");
      expect((await read(redis, key))[0]).toBe("miss");
      expect(await fill("devices")).toBe(1);
      expect(await beginLocked("again")).not.toBeNull();
      expect(await token()).toBe("again");
      expect(await redis.hexists(key, "x")).toBe(0);
    });

    test("outlives a purge, which reports it, and a reset", async () => {
      expect(await purge("t5")).toBe(3);
      await makeForeign();
      expect(await purge("t6")).toBe(3);
      await makeForeign();
      expect(await beginOther()).toBeNull();
      await lapse("x");
      expect(await purge("t7")).toBe(1);
    });
  });

  describe("markStale", () => {
    const mark = async (name: string, { token = "", lifeMs = long } = {}) =>
      scripts.markStale(redis, key, token || (await held()), name, lifeMs);

    test("drops the value, sets another token, and lets the hash live Q", async () => {
      await write(redis, key, "devices");
      expect(await mark("m1", { lifeMs: 9000 })).toBe(1);
      expect([await fields(), await token()]).toEqual(["e s t", "m1"]);
      expect(await lives(9000)).toBe(true);
    });

    test("does nothing once another write or a purge has begun, nor to a hash of another epoch, nor to none", async () => {
      expect(await mark("m1", { token: "none" })).toBe(0);
      await write(redis, key, "devices");
      const seen = await held();
      await purge("t9");
      expect(await mark("m1", { token: seen })).toBe(0);
      await makeForeign();
      expect(await mark("m1")).toBe(0);
      expect(await fields()).toBe("e t");
    });

    test("run again because the first answer was lost, says that it has marked", async () => {
      await write(redis, key, "devices");
      const seen = await held();
      expect([await mark("m1", { token: seen }), await mark("m1", { token: seen })]).toEqual([1, 1]);
      expect(await mark("m2", { token: seen })).toBe(0);
    });

    test("makes READ answer the mark, until it lapses or is cleared, also beside a writer", async () => {
      await write(redis, key, "devices");
      await mark("m1");
      const [state, answered] = await scripts.readHash(redis, key, "t9", 5000);
      expect([state, answered]).toEqual(["stale", (await redis.hget(key, "s")) ?? ""]);
      await begin("ann", "t5");
      expect((await read(redis, key))[0]).toBe("stale");
      await lapse("s");
      expect(await read(redis, key)).toEqual(["ask"]);
      expect(await fields()).toBe("e n t w:ann");
    });

    test("outlives a reset, a purge and a write, which stores nothing beside it", async () => {
      await write(redis, key, "devices");
      await mark("m1");
      await makeForeign();
      await purge("t8");
      const [, , answered, isStale] = await beginUnlocked(redis, key, "ann", "t9", long);
      tokens.set("ann", answered);
      expect(isStale).toBe(1);
      expect(await end("ann", "newer")).toBe(0);
      expect(await fields()).toBe("e s t");
      expect(await lives(long)).toBe(true);
    });

    test("is cleared by whoever brings the same mark, and by nobody else", async () => {
      await write(redis, key, "devices");
      await mark("m1");
      const current = (await redis.hget(key, "s")) ?? "";
      expect(await scripts.clearStale(redis, key, `${current}x`)).toBe(0);
      expect(await scripts.clearStale(redis, key, current)).toBe(1);
      expect(await scripts.clearStale(redis, key, current)).toBe(0);
      expect((await read(redis, key))[0]).toBe("miss");
    });
  });

  describe("purgeHash", () => {
    test("drops the value, changes the token, and lets the hash live F", async () => {
      await read(redis, key, "t1");
      await fill("devices", { lifeMs: 0 });
      expect(await purge("t2")).toBe(1);
      expect(await fields()).toBe("e t");
      expect(await token()).toBe("t2");
      expect(await lives(5000)).toBe(true);
    });

    test("does no harm when it runs again", async () => {
      await read(redis, key, "t1");
      expect(await purge("t2")).toBe(1);
      expect(await purge("t2")).toBe(1);
      expect(await read(redis, key)).toEqual(["miss", "t2"]);
    });

    test("keeps the markers and their life", async () => {
      await begin("ann", "t1");
      expect(await purge("t2")).toBe(1);
      expect(await fields()).toBe("e n t w:ann");
      expect(await lives(long)).toBe(true);
    });

    test("resets a hash of another epoch", async () => {
      await read(redis, key, "t1");
      await fill("before the restart");
      await makeForeign();
      expect(await purge("t2")).toBe(1);
      expect(await fields()).toBe("e t");
      expect((await redis.hgetBuffer(key, "e"))?.toString("hex")).toBe(epoch);
    });

    test("removes a key of another type", async () => {
      await redis.set(key, "1");
      expect(await purge("t2")).toBe(2);
      expect(await eventually(() => redis.exists(key), 0)).toBe(0);
    });

    test("makes no hash where there is none", async () => {
      expect(await purge("t2")).toBe(0);
      expect(await redis.exists(key)).toBe(0);
    });
  });

  describe("recordEpoch", () => {
    test("answers how long ago it first ran, and keeps the record for as long as it was told", async () => {
      expect(await scripts.recordEpoch(redis, key, 30_000)).toBe(0);
      const isOlder = async () => (await scripts.recordEpoch(redis, key, 90_000)) >= 30;
      expect(await eventually(isOlder, true)).toBe(true);
      expect(await lives(30_000)).toBe(true);
    });
  });

  describe("reopenSeen", () => {
    test("lets one copy of a failed request run, and keeps its life", async () => {
      await redis.set(key, "set:failed", "PX", 30_000);
      const copies = Array.from({ length: 10 }, () =>
        scripts.reopenSeen(redis, key, "set:failed", "set:open"),
      );
      expect((await Promise.all(copies)).sort().join("")).toBe("0000000001");
      expect(await redis.get(key)).toBe("set:open");
      expect(await lives(30_000)).toBe(true);
    });

    test("lets none run that is open, has succeeded or is forgotten", async () => {
      for (const state of ["set:open", "set:done", "get"]) {
        await redis.set(key, state);
        expect(await scripts.reopenSeen(redis, key, "set:failed", "set:open")).toBe(0);
        expect(await redis.get(key)).toBe(state);
      }
      await redis.del(key);
      expect(await scripts.reopenSeen(redis, key, "set:failed", "set:open")).toBe(0);
      expect(await redis.exists(key)).toBe(0);
    });
  });

  describe("revokeUser", () => {
    test("names the given second, or the one after what was named before, and keeps it for its time", async () => {
      expect(await scripts.revokeUser(redis, key, 2_000_000_000, 30_000)).toBe(2_000_000_000);
      expect(await scripts.revokeUser(redis, key, 2_000_000_000, 30_000)).toBe(2_000_000_001);
      expect(await scripts.revokeUser(redis, key, 1_999_999_000, 30_000)).toBe(2_000_000_002);
      expect(await scripts.revokeUser(redis, key, 2_000_000_010, 30_000)).toBe(2_000_000_010);
      expect(await redis.get(key)).toBe("2000000010");
      expect(await lives(30_000)).toBe(true);
    });
  });

  describe("beginRecord", () => {
    const record = (second: number) => `${second} ${epoch}`;

    test("begins a record where there is none, and keeps it while the epoch lasts", async () => {
      expect(await scripts.beginRecord(redis, key, 100)).toBe(record(100));
      expect(await scripts.beginRecord(redis, key, 200)).toBe(record(100));
      expect([await redis.get(key), await redis.pttl(key)]).toEqual([record(100), -1]);
    });

    test("begins anew after another epoch without an append-only file, later than all that was issued", async () => {
      await redis.set(key, "100 0123456789abcdef");
      expect(await scripts.beginRecord(redis, key, 200)).toBe(record(200));
      await redis.set(key, "300 0123456789abcdef");
      expect(await scripts.beginRecord(redis, key, 200)).toBe(record(301));
      await redis.set(key, "what somebody else wrote");
      expect(await scripts.beginRecord(redis, key, 200)).toBe(record(200));
    });
  });

  test("are loaded again where Redis has forgotten them", async () => {
    await begin("ann", "t1");
    await redis.script("FLUSH");
    expect(await end("ann", "devices")).toBe(1);
    expect(await read(redis, key)).toEqual(["hit", "devices"]);
  });
});

describeWithPrivate("redis", "the epoch of a server", () => {
  const connect = (server: RedisServer) => new Redis(server.url(), { retryStrategy: () => 10 });

  test("has 8 bytes and stays the same while the server runs", async () => {
    await using server = await startRedis();
    const redis = connect(server);
    const epoch = await epochOf(redis);
    expect(epoch).toMatch(/^[0-9a-f]{16}$/);
    expect(await epochOf(redis)).toBe(epoch);
    redis.disconnect();
  });

  test("changes when the server restarts with all its data", async () => {
    await using server = await startRedis({ settings: { appendonly: "yes", appendfsync: "always" } });
    const before = connect(server);
    await write(before, "user", "devices");
    before.disconnect();
    await server.kill();
    await server.start();
    const after = connect(server);
    expect(await after.hget("user", "v")).toBe("devices");
    expect(await read(after, "user")).toEqual(["miss", "fresh"]);
    after.disconnect();
  });

  test("changes when a replica becomes the master, and the hashes that it holds are reset", async () => {
    await using master = await startRedis();
    await using replica = await startRedis({ replicaOf: master });
    const [old, promoted] = [connect(master), connect(replica)];
    // The first replica gives its master a new replication id, and so another epoch.
    const isCopying = async () => (await promoted.info("replication")).includes("master_link_status:up");
    expect(await eventually(isCopying, true, 20_000)).toBe(true);
    await write(old, "user", "devices");
    expect(await eventually(() => promoted.hget("user", "v"), "devices", 20_000)).toBe("devices");
    await promoted.replicaof("NO", "ONE");
    expect(await epochOf(promoted)).not.toBe(await epochOf(old));
    expect(await read(promoted, "user")).toEqual(["miss", "fresh"]);
    expect(await read(old, "user")).toEqual(["hit", "devices"]);
    old.disconnect();
    promoted.disconnect();
  });
});
