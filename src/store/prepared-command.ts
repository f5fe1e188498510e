import { type Cluster, Command, type Redis } from "ioredis";

/**
 * A command whose arguments are always the same but for its key, the first of them: all else is spelled once,
 * which saves a fifth of what ioredis takes for a command.
 */
export function prepareCommand<Reply>(
  name: string,
  argumentsAfterKey: readonly string[],
  replyIn: "text" | "bytes",
): (client: Redis | Cluster, key: string) => Promise<Reply> {
  const head = `*${argumentsAfterKey.length + 2}\r\n${bulk(name)}`;
  const tail = argumentsAfterKey.map(bulk).join("");
  const options = { replyEncoding: replyIn === "text" ? ("utf8" as const) : null };

  class PreparedCommand extends Command {
    constructor(key: string) {
      super(name, [key, ...argumentsAfterKey], options);
    }

    override toWritable(): string {
      return head + bulk(String(this.args[0])) + tail;
    }
  }

  return (client, key) => {
    const command = new PreparedCommand(key);
    client.sendCommand(command);
    return command.promise;
  };
}

/** A RESP bulk string. */
function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
