import type { Command, Redis } from "ioredis";

type Writable = NonNullable<Parameters<Redis["sendCommand"]>[1]>;

/**
 * Sends all commands that are issued to this server within one turn of the event loop in one write, with one timer:
 * those without an answer after `commandMs` fail. If the client of a Cluster forwards a command to another node, its
 * time starts again there.
 *
 * ioredis can pipeline by itself, but it builds a new pipeline each time, which costs as much as several commands. It
 * also holds further commands back until the pipeline is answered, so that a server that has fallen silent costs the
 * time limit twice. In a Cluster, one slot that has moved fails the whole pipeline. Here every command has its own
 * answer and its own error.
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
    // ioredis has rejected the commands of a connection that is gone. The next connection must not receive them.
    if (begunOn === redis.stream && begunOn.writable) begunOn.write(join(chunks));
    limitTime(commands, commandMs);
    commands = [];
    chunks = [];
  }

  redis.sendCommand = (command, stream) => {
    // Bun's TracingChannel always reports listeners, so ioredis would describe every command for nobody.
    command.isTraced = true;
    // While a connection is being established, its own commands go first.
    if ((stream !== undefined && stream !== batch) || redis.status !== "ready") {
      // Answers are matched to commands by their order, so earlier commands must be written first.
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

/**
 * One timer serves all commands, since one for each would cost as much as a signature. Answers arrive in order, so
 * the last one stands for all.
 */
function limitTime(commands: readonly Command[], limitMs: number): void {
  const timer = setTimeout(() => {
    for (const command of commands) if (!command.isSettled) command.reject(new Error("Command timed out"));
  }, limitMs);
  // If the last command was given up early, the others still need the timer.
  const clear = () => commands.every(({ isSettled }) => isSettled) && clearTimeout(timer);
  commands.at(-1)?.promise.then(clear, clear);
}

function join(chunks: readonly (string | Buffer)[]): string | Buffer {
  const isText = chunks.every((chunk) => typeof chunk === "string");
  return isText ? chunks.join("") : Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
}
