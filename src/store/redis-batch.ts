import type { Redis } from "ioredis";

type Writable = NonNullable<Parameters<Redis["sendCommand"]>[1]>;

/**
 * From now on, whatever is sent to this server within one turn of the event loop travels in one write.
 *
 * ioredis can pipeline by itself, but makes a pipeline anew each time, at the price of several commands; holds
 * further ones back until it is answered, so that a server which has fallen silent costs the time limit twice;
 * and, in a Cluster, lets one slot that has moved fail them all. Here each command keeps its own answer, its own
 * error and its own time limit.
 */
export function batchWrites(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  let chunks: (string | Buffer)[] = [];

  function schedule(): void {
    const { stream } = redis;
    setImmediate(() => {
      const batch = chunks;
      chunks = [];
      // ioredis has rejected the commands of a connection that is gone; the next one must not see them.
      if (stream === redis.stream && stream.writable) stream.write(join(batch));
    });
  }

  const batch: Writable = {
    isPipeline: true,
    destination: { redis },
    write(chunk: string | Buffer) {
      if (chunks.push(chunk) === 1) schedule();
    },
  };
  redis.sendCommand = (command, stream) => {
    // Bun's TracingChannel does not tell that nobody listens, so ioredis would describe each command to nobody.
    command.isTraced = true;
    // While a connection is being made, its own commands go first.
    return send(command, stream ?? (redis.status === "ready" ? batch : undefined));
  };
}

function join(chunks: readonly (string | Buffer)[]): string | Buffer {
  const isText = chunks.every((chunk) => typeof chunk === "string");
  return isText ? chunks.join("") : Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
}
