import type { Redis } from "ioredis";
import { scripts } from "../../src/store/scripts.ts";
import { type SimulatedRedisServer, shaOf } from "./simulated-redis-server.ts";
import type { ScriptName } from "./simulated-scripts.ts";

/** Stands for the token that the hash holds: each Redis has its own, since it bears the time. */
export const heldToken = Symbol("the token that the hash holds");

type Argument = string | number | Buffer | typeof heldToken;

/** What a command led to. Times are rounded, since the two do not run at the same instant. */
interface Outcome {
  readonly reply: unknown;
  readonly fields: Readonly<Record<string, string>>;
  readonly life: number;
}

/** One key in a real Redis and in the simulated one; whatever is done is done to both. */
export class TwinRedis {
  readonly epoch: Buffer;
  readonly #real: Redis;
  readonly #simulated: SimulatedRedisServer;
  readonly #key: string;

  constructor(real: Redis, simulated: SimulatedRedisServer, key: string) {
    this.#real = real;
    this.#simulated = simulated;
    this.#key = key;
    this.epoch = Buffer.from(simulated.epoch, "latin1");
  }

  async run(name: ScriptName, args: readonly Argument[]): Promise<[real: Outcome, simulated: Outcome]> {
    const realToken = (await this.#real.hgetBuffer(this.#key, "t")) ?? "";
    const simulatedToken = this.#simulated.keyspace.hget(this.#key, "t") ?? "";
    const withToken = (token: string | Buffer) => [
      ...["1", this.#key],
      ...args.map((argument) => {
        if (argument === heldToken) return token;
        return Buffer.isBuffer(argument) ? argument : String(argument);
      }),
    ];
    const reply = await this.#real.callBuffer("EVAL", [scripts[name].lua, ...withToken(realToken)]);
    return this.#outcomes(reply, this.#execute("evalsha", [shaOf(name), ...withToken(simulatedToken)]));
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

  async becomeForeign(): Promise<[Outcome, Outcome]> {
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
    return [
      outcomeOf(realReply, Object.entries(realFields), realLifeMs),
      outcomeOf(simulatedReply, keyspace.hgetall(key), keyspace.pttl(key)),
    ];
  }
}

type Fields = readonly (readonly [field: string, value: string | Buffer])[];

function outcomeOf(reply: unknown, fields: Fields, lifeMs: number): Outcome {
  const rough = fields.map(([field, value]): [string, string] => [field, roughly(field, textOf(value))]);
  return {
    reply: replyInWords(reply),
    fields: Object.fromEntries(rough.sort()),
    life: lifeMs < 0 ? lifeMs : Math.round(lifeMs / 10_000),
  };
}

function roughly(field: string, text: string): string {
  if (field === "t") return withoutTime(text);
  return field.startsWith("w:") ? String(Math.round(Number(text) / 100_000)) : text;
}

function replyInWords(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(replyInWords);
  return typeof reply === "string" || Buffer.isBuffer(reply) ? withoutTime(textOf(reply)) : reply;
}

const withoutTime = (token: string) => token.replace(/:\d+:\d+$/, "");

const textOf = (text: string | Buffer) => (Buffer.isBuffer(text) ? text.toString("latin1") : text);
