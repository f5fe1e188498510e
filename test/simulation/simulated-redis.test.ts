import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { Redis } from "ioredis";
import { sharedRedis } from "../../scripts/servers/redis-server.ts";
import { scripts } from "../../src/redis/scripts.ts";
import { describeWith } from "../support/describe-with.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
import { SimulatedRedisServer } from "./simulated-redis-server.ts";
import { heldMark, heldToken, TwinRedis } from "./twin-redis.ts";

setDefaultTimeout(60_000);

const sequences = 150;
const stepsPerSequence = 25;
const longMs = 1_000_000;

describeWith("redis", "the simulated Redis", () => {
  let real: Redis;
  let identity = { runId: "", replicationId: "" };

  beforeAll(async () => {
    real = new Redis((await sharedRedis()).url());
    const info = await real.info();
    const field = (name: string) => new RegExp(`^${name}:(\\w+)`, "m").exec(info)?.[1] ?? "";
    identity = { runId: field("run_id"), replicationId: field("master_replid") };
  });

  afterAll(() => real?.disconnect());

  test(`replies and stores like a real one in ${sequences} random sequences of scripts`, async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= sequences; seed += 1) {
      const random = createSeededRandom(seed);
      const key = `simulated-redis:${crypto.randomUUID()}`;
      const twins = new TwinRedis(real, new SimulatedRedisServer(identity), key);
      const done: string[] = [];
      for (let step = 0; step < stepsPerSequence; step += 1) {
        const name = random.pick(stepNames);
        const [expected, got] = await steps[name](twins, random);
        done.push(name);
        expect(got, `seed ${seed}: ${done.join(", ")}`).toEqual(expected);
        seen.add(`${name} -> ${JSON.stringify(expected.reply)?.slice(0, 7)}`);
      }
      await twins.expire();
    }
    expect([...seen]).toEqual(expect.arrayContaining(repliesOfEveryKind));
  });

  test("claims, records and reopens the use of a signature like a real one", async () => {
    const key = `simulated-redis:${crypto.randomUUID()}`;
    const simulated = new SimulatedRedisServer(identity);
    const claim = [key, "set:open", "PX", `${longMs}`, "NX", "GET"];
    const commands: readonly (readonly [string, ...string[]])[] = [
      ["get", key],
      ["set", ...claim],
      ["set", ...claim],
      ["eval", scripts.reopenSeen.lua, "1", key, "set:failed", "set:open"],
      ["set", key, "set:failed", "PX", `${longMs}`],
      ["eval", scripts.reopenSeen.lua, "1", key, "set:failed", "set:open"],
      ["eval", scripts.reopenSeen.lua, "1", key, "set:failed", "set:open"],
      ["get", key],
    ];
    for (const [name, ...args] of commands) {
      const expected = await real.call(name, ...args);
      const got = simulated.execute(name, args, Date.now());
      expect(`${name} -> ${got}`).toEqual(`${name} -> ${expected}`);
    }
    await real.del(key);
  });

  test("returns the age of an epoch like a real one", async () => {
    const key = `simulated-redis:${crypto.randomUUID()}`;
    const twins = new TwinRedis(real, new SimulatedRedisServer(identity), key);
    const [expected, got] = await twins.run("recordEpoch", [longMs]);
    expect(got).toEqual(expected);
    expect(expected.reply).toBe(0);
    await twins.expire();
  });
});

const writers = ["one", "two", "three"] as const;
const tokens = ["token-1", "token-2", "token-3"] as const;
const lives = ["0", "50000", `${longMs}`] as const;

const tokenFor = (random: SeededRandom) => (random.chance(0.6) ? heldToken : random.pick(tokens));
const epochFor = (twins: TwinRedis, random: SeededRandom) =>
  random.chance(0.8) ? twins.epoch : "an0ther0ep0ch000";

/** Steps that can be applied to both. Each returns the outcome in the real Redis and in the simulated one. */
const steps = {
  readHash: (twins: TwinRedis, random: SeededRandom) => twins.run("readHash", [random.pick(tokens), longMs]),

  fillHash: (twins: TwinRedis, random: SeededRandom) =>
    twins.run("fillHash", [epochFor(twins, random), tokenFor(random), "ä value", random.pick(lives)]),

  beginWrite: (twins: TwinRedis, random: SeededRandom) =>
    twins.run("beginWrite", [random.pick(writers), random.pick(tokens), longMs]),

  "beginWrite again": (twins: TwinRedis, random: SeededRandom) =>
    twins.run("beginWrite", [random.pick(writers), random.pick(tokens), longMs, tokenFor(random), longMs]),

  "the lock lapses": (twins: TwinRedis) => twins.lapse("x"),

  endWrite: (twins: TwinRedis, random: SeededRandom) =>
    twins.run("endWrite", [
      random.pick(writers),
      epochFor(twins, random),
      tokenFor(random),
      random.pick(tokens),
      random.pick(["", "ä value", "ä value"]),
      random.pick(lives),
      60_000,
    ]),

  markStale: (twins: TwinRedis, random: SeededRandom) =>
    twins.run("markStale", [tokenFor(random), random.pick(tokens), longMs]),

  clearStale: (twins: TwinRedis, random: SeededRandom) =>
    twins.run("clearStale", [random.chance(0.7) ? heldMark : "1:another"]),

  "the mark lapses": (twins: TwinRedis) => twins.lapse("s"),

  purgeHash: (twins: TwinRedis, random: SeededRandom) =>
    twins.run("purgeHash", [random.pick(tokens), longMs]),

  hmget: (twins: TwinRedis) => twins.hmget(),

  "the markers lapse": (twins: TwinRedis) => twins.lapseMarkers(),

  "another epoch's hash comes back": (twins: TwinRedis) => twins.changeEpoch(),

  "the hash expires": (twins: TwinRedis) => twins.expire(),
};

const stepNames = [
  ...(["readHash", "readHash", "readHash", "fillHash", "fillHash", "fillHash"] as const),
  ...(["beginWrite", "beginWrite", "beginWrite", "endWrite", "endWrite", "endWrite"] as const),
  ...([
    "markStale",
    "markStale",
    "clearStale",
    "the mark lapses",
    "beginWrite again",
    "the lock lapses",
    "purgeHash",
    "hmget",
    "the markers lapse",
    "another epoch's hash comes back",
    "the hash expires",
  ] as const),
] as const;

const repliesOfEveryKind = [
  'readHash -> ["hit",',
  'readHash -> ["miss"',
  'readHash -> ["ask"]',
  'readHash -> ["stale',
  "fillHash -> 1",
  "fillHash -> 0",
  "beginWrite -> [1,",
  "beginWrite -> [0,",
  "beginWrite -> null",
  "endWrite -> 1",
  "endWrite -> 0",
  "markStale -> 1",
  "markStale -> 0",
  "clearStale -> 1",
  "clearStale -> 0",
  "purgeHash -> 1",
  "purgeHash -> 0",
  "purgeHash -> 3",
].map((reply) => expect.stringContaining(reply));
