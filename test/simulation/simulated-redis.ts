import { type Command, Redis } from "ioredis";
import type { RedisLink } from "./redis-link.ts";

/**
 * ioredis itself, except for the socket: it encodes commands and decodes replies, and the link transports them.
 * Commands leave one by one, since batching changes when they leave but not their order.
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
