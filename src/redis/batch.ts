import type { Command, Redis } from "ioredis";

type Writable = NonNullable<Parameters<Redis["sendCommand"]>[1]>;

/**
 * From now on, whatever is sent to this server within one turn of the event loop travels in one write and is timed
 * together: what has no answer within `commandMs` fails. A command that the client of a Cluster sends on to another
 * node is timed anew there.
 *
 * ioredis can pipeline by itself, but makes a pipeline anew each time, at the price of several commands; holds
 * further ones back until it is answered, so that a server which has fallen silent costs the time limit twice;
 * and, in a Cluster, lets one slot that has moved fail them all. Here each command keeps its own answer and its
 * own error.
 */
export function batchWrites(redis: Redis, commandMs: number): void {
  const send = redis.sendCommand.bind(redis);
  let begunOn = redis.stream;
  let commands: Command[] = [];
  let chunks: (string | Buffer)[] = [];

  const batch: Writable = {
    isPipeline: true,
    destination: { redis },
    write: (chunk: string | Buffer) => chunks.push(chunk),
  };

  function flush(): void {
    if (commands.length === 0) return;
    // ioredis has rejected the commands of a connection that is gone; the next one must not see them.
    if (begunOn === redis.stream && begunOn.writable) begunOn.write(join(chunks));
    limitTime(commands, commandMs);
    commands = [];
    chunks = [];
  }

  redis.sendCommand = (command, stream) => {
    // Bun's TracingChannel does not tell that nobody listens, so ioredis would describe each command to nobody.
    command.isTraced = true;
    // While a connection is being made, its own commands go first.
    if ((stream !== undefined && stream !== batch) || redis.status !== "ready") {
      // Answers are told apart by their order alone: what was asked before must be written before.
      flush();
      command.setTimeout(commandMs);
      return send(command, stream);
    }
    if (commands.push(command) === 1) {
      begunOn = redis.stream;
      setImmediate(flush);
    }
    return send(command, batch);
  };
}

/** A timer for each command would cost as much as its signature. Answers come in order, so the last one tells of all. */
function limitTime(commands: readonly Command[], limitMs: number): void {
  const timer = setTimeout(() => {
    for (const command of commands) if (!command.isSettled) command.reject(new Error("Command timed out"));
  }, limitMs);
  // Unless it was given up before: then the others still need the timer.
  const clear = () => commands.every(({ isSettled }) => isSettled) && clearTimeout(timer);
  commands.at(-1)?.promise.then(clear, clear);
}

function join(chunks: readonly (string | Buffer)[]): string | Buffer {
  const isText = chunks.every((chunk) => typeof chunk === "string");
  return isText ? chunks.join("") : Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
}
