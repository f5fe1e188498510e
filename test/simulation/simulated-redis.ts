import { type Command, Redis } from "ioredis";
import type { RedisLink } from "./redis-link.ts";

/**
 * ioredis itself, down to where it would write to a socket: it encodes the commands and decodes the replies,
 * and the link carries them. Commands leave one by one: a batch changes when they leave, not their order.
 */
export class SimulatedRedis extends Redis {
  readonly #link: RedisLink;

  constructor(link: RedisLink) {
    super({ lazyConnect: true });
    this.#link = link;
  }

  override sendCommand(command: Command): unknown {
    const args = command.args.map((argument) => (Buffer.isBuffer(argument) ? argument : String(argument)));
    this.#link.send({ name: command.name, args, resolve: command.resolve, reject: command.reject });
    return command.promise;
  }

  override disconnect(): void {
    this.#link.reset();
  }
}
