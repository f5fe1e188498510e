import { type Cluster, Command, type Redis } from "ioredis";

export interface PreparedCommandOptions {
  readonly name: string;
  /** The constant arguments in front of those that vary, and behind them. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly replyIn: "text" | "bytes";
}

/**
 * Creates a command most of whose arguments are constant. They are encoded once, which saves a fifth of what ioredis
 * needs for a command. The returned function takes the other arguments, beginning with the key.
 */
export function prepareCommand<Reply>({ name, before = [], after = [], replyIn }: PreparedCommandOptions) {
  const head = `\r\n${[name, ...before].map(bulk).join("")}`;
  const tail = after.map(bulk).join("");
  const options = { replyEncoding: replyIn === "text" ? ("utf8" as const) : null };

  class PreparedCommand extends Command {
    readonly #varying: readonly string[];

    constructor(varying: readonly string[]) {
      super(name, [...before, ...varying, ...after], options);
      this.#varying = varying;
    }

    override toWritable(): string {
      let text = `*${this.args.length + 1}${head}`;
      for (const argument of this.#varying) text += bulk(argument);
      return text + tail;
    }
  }

  return (client: Redis | Cluster, ...varying: readonly [key: string, ...string[]]): Promise<Reply> => {
    const command = new PreparedCommand(varying);
    client.sendCommand(command);
    return command.promise;
  };
}

/** Encodes a RESP bulk string. */
function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
