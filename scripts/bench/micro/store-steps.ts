import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { createKeys } from "../../../src/redis/keys.ts";
import { scripts } from "../../../src/redis/scripts.ts";

/** One command of the store for one user, at the state of the hash in which it is sent. */
export interface StoreStep {
  readonly name: string;
  /** As `INFO commandstats` calls it. */
  readonly command: "hmget" | "set" | "evalsha";
  /** Brings the user's hash to where the step begins, and answers the step. */
  prepare(user: string): Promise<() => Promise<unknown>>;
  /** Whether the step did what it is measured for. */
  isRight(answer: unknown): boolean;
}

const tokenLifeMs = 600_000;
const valueLifeMs = 3_600_000;
const value = "d".repeat(1024);
const keys = createKeys("ownid:");

/** Every command that serves a request, in the order of src/coherence/DESIGN.md. */
export function storeSteps(redis: Redis): readonly StoreStep[] {
  const read = (user: string) => scripts.readHash(redis, keys.user(user), freshToken(), tokenLifeMs);
  const begin = (user: string) =>
    scripts.beginWrite(redis, keys.user(user), "writer", freshToken(), tokenLifeMs);

  async function fill(user: string): Promise<() => Promise<0 | 1>> {
    const [, token = "", epoch = ""] = await read(user);
    return () => scripts.fillHash(redis, keys.user(user), epoch, token, value, valueLifeMs);
  }

  async function filled(user: string): Promise<void> {
    await (await fill(user))();
  }

  return [
    {
      name: "HMGET e v n: a hit",
      command: "hmget",
      async prepare(user) {
        await filled(user);
        return () => redis.hmgetBuffer(keys.user(user), "e", "v", "n");
      },
      isRight: (answer) => Array.isArray(answer) && String(answer[1]) === value,
    },
    {
      name: "SET NX GET: a signature is claimed",
      command: "set",
      prepare: async () => () => redis.set(keys.seen(randomBytes(32)), "get", "PX", 125_000, "NX", "GET"),
      isRight: (answer) => answer === null,
    },
    {
      name: "read-hash: a miss, no hash",
      command: "evalsha",
      prepare: async (user) => () => read(user),
      isRight: (answer) => stateOf(answer) === "miss",
    },
    {
      name: "read-hash: a hit",
      command: "evalsha",
      async prepare(user) {
        await filled(user);
        return () => read(user);
      },
      isRight: (answer) => stateOf(answer) === "hit",
    },
    {
      name: "fill-hash",
      command: "evalsha",
      prepare: fill,
      isRight: (answer) => answer === 1,
    },
    {
      name: "begin-write, over a value",
      command: "evalsha",
      async prepare(user) {
        await filled(user);
        return () => begin(user);
      },
      isRight: (answer) => Array.isArray(answer) && answer[0] === 1,
    },
    {
      name: "end-write, with the value",
      command: "evalsha",
      async prepare(user) {
        const [, epoch, token] = await begin(user);
        const end = [freshToken(), value, valueLifeMs, tokenLifeMs] as const;
        return () => scripts.endWrite(redis, keys.user(user), "writer", epoch, token, ...end);
      },
      isRight: (answer) => answer === 1,
    },
    {
      name: "purge-hash",
      command: "evalsha",
      async prepare(user) {
        await filled(user);
        return () => scripts.purgeHash(redis, keys.user(user), freshToken(), tokenLifeMs);
      },
      isRight: (answer) => answer === 1,
    },
  ];
}

function stateOf(answer: unknown): string {
  return Array.isArray(answer) ? String(answer[0]) : "";
}

function freshToken(): string {
  return randomBytes(16).toString("base64url");
}
