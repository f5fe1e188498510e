import type { Redis } from "ioredis";
import { scripts } from "../../src/redis/scripts.ts";
import type { SimulatedRedisServer } from "./simulated-redis-server.ts";
import type { ScriptName } from "./simulated-scripts.ts";

/** Stands for the lease token in the hash. It differs between the two, since it contains the time. */
export const heldToken = Symbol("the token that the hash holds");

/** Stands for the stale mark in the hash, which contains the time, too. */
export const heldMark = Symbol("the mark that the hash holds");

type Argument = string | number | Buffer | typeof heldToken | typeof heldMark;

/** The effect of a command. */
interface Outcome {
  readonly reply: unknown;
  readonly fields: Readonly<Record<string, string>>;
  readonly lifeMs: number;
}

/** The same key in a real Redis and in the simulated one. Every operation is applied to both. */
export class TwinRedis {
  /** The epoch in hexadecimal. */
  readonly epoch: string;
  readonly #real: Redis;
  readonly #simulated: SimulatedRedisServer;
  readonly #key: string;

  constructor(real: Redis, simulated: SimulatedRedisServer, key: string) {
    this.#real = real;
    this.#simulated = simulated;
    this.#key = key;
    this.epoch = Buffer.from(simulated.epoch, "latin1").toString("hex");
  }

  async run(name: ScriptName, args: readonly Argument[]): Promise<[real: Outcome, simulated: Outcome]> {
    const realToken = (await this.#real.hgetBuffer(this.#key, "t")) ?? "";
    const realMark = (await this.#real.hgetBuffer(this.#key, "s")) ?? "";
    const { keyspace } = this.#simulated;
    const withHeld = (token: string | Buffer, mark: string | Buffer) => [
      ...["1", this.#key],
      ...args.map((argument) => {
        if (argument === heldToken) return token;
        if (argument === heldMark) return mark;
        return Buffer.isBuffer(argument) ? argument : String(argument);
      }),
    ];
    const reply = await this.#real.callBuffer("EVAL", [scripts[name].lua, ...withHeld(realToken, realMark)]);
    const simulated = withHeld(keyspace.hget(this.#key, "t") ?? "", keyspace.hget(this.#key, "s") ?? "");
    return this.#outcomes(reply, this.#execute("evalsha", [scripts[name].sha, ...simulated]));
  }

  async hmget(): Promise<[Outcome, Outcome]> {
    const reply = await this.#real.hmgetBuffer(this.#key, "e", "v", "n");
    return this.#outcomes(reply, this.#execute("hmget", [this.#key, "e", "v", "n"]));
  }

  async lapseMarkers(): Promise<[Outcome, Outcome]> {
    for (const field of Object.keys(await this.#real.hgetall(this.#key)))
      if (field.startsWith("w:")) await this.#change(field, "1");
    return this.#outcomes(null, null);
  }

  /** Lets the stale mark or the write lock lapse. */
  async lapse(field: "s" | "x"): Promise<[Outcome, Outcome]> {
    if ((await this.#real.hexists(this.#key, field)) === 1) await this.#change(field, "1:lapsed");
    return this.#outcomes(null, null);
  }

  async changeEpoch(): Promise<[Outcome, Outcome]> {
    if ((await this.#real.exists(this.#key)) === 1) await this.#change("e", "another!");
    return this.#outcomes(null, null);
  }

  async expire(): Promise<[Outcome, Outcome]> {
    await this.#real.del(this.#key);
    this.#simulated.keyspace.del(this.#key);
    return this.#outcomes(null, null);
  }

  async #change(field: string, value: string): Promise<void> {
    await this.#real.hset(this.#key, field, value);
    this.#simulated.keyspace.hset(this.#key, { [field]: value });
  }

  #execute(command: string, args: readonly (string | Buffer)[]): unknown {
    return this.#simulated.execute(command, args, Date.now());
  }

  async #outcomes(realReply: unknown, simulatedReply: unknown): Promise<[Outcome, Outcome]> {
    const key = this.#key;
    const { keyspace } = this.#simulated;
    const realFields = (await this.#real.type(key)) === "hash" ? await this.#real.hgetallBuffer(key) : {};
    const isText = Object.keys(realFields).length === 0;
    const realLifeMs = isText ? -2 : await this.#real.pttl(key);
    const real = outcomeOf(realReply, Object.entries(realFields), realLifeMs);
    const simulated = outcomeOf(simulatedReply, keyspace.hgetall(key), keyspace.pttl(key));
    return [real, atTheTimesOf(real, simulated)];
  }
}

type Fields = readonly (readonly [field: string, value: string | Buffer])[];

function outcomeOf(reply: unknown, fields: Fields, lifeMs: number): Outcome {
  const texts = fields.map(([field, value]): [string, string] => {
    const text = textOf(value);
    return [field, "tsx".includes(field) ? withoutTime(text) : text];
  });
  return { reply: replyInWords(reply), fields: Object.fromEntries(texts.sort()), lifeMs };
}

/** The two do not run at the same instant, so a time that is close to the other's counts as equal. */
function atTheTimesOf(real: Outcome, { reply, fields, lifeMs }: Outcome): Outcome {
  const marks = Object.entries(fields).map(([field, text]) => {
    const other = real.fields[field];
    const isSame = field.startsWith("w:") && other !== undefined && areNear(Number(other), Number(text));
    return [field, isSame ? other : text];
  });
  return {
    reply,
    fields: Object.fromEntries(marks),
    lifeMs: areNear(real.lifeMs, lifeMs) ? real.lifeMs : lifeMs,
  };
}

/** Negative numbers mean that a key does not expire or does not exist. They are equal only to themselves. */
const areNear = (one: number, other: number) =>
  one === other || (one >= 0 && other >= 0 && Math.abs(one - other) < 5000);

function replyInWords(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(replyInWords);
  return typeof reply === "string" || Buffer.isBuffer(reply) ? withoutTime(textOf(reply)) : reply;
}

/** Removes the time from a lease token, a stale mark or a write lock. */
const withoutTime = (text: string) => text.replace(/:\d+:\d+$/, "").replace(/^\d+:/, "");

const textOf = (text: string | Buffer) => (Buffer.isBuffer(text) ? text.toString("latin1") : text);
