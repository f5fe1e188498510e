import { createHash } from "node:crypto";
import { scripts } from "../../src/redis/scripts.ts";
import { SimulatedKeyspace } from "./simulated-keyspace.ts";
import { type Reply, type SimulatedScripts, simulatedScripts } from "./simulated-scripts.ts";

export interface RedisIdentity {
  readonly runId: string;
  readonly replicationId: string;
}

/** A reply as the parser of ioredis returns it. */
export type WireReply = Buffer | number | null | WireReply[];

/** The names of the scripts, by the arguments of EVAL and EVALSHA. */
const scriptNames = new Map(
  Object.entries(scripts).flatMap(([name, { lua, sha }]) => [
    [lua, name],
    [sha, name],
  ]),
);

/** One redis-server process, from its start or promotion to its end. */
export class SimulatedRedisServer {
  readonly keyspace: SimulatedKeyspace;
  /** The epoch in 8 bytes. */
  readonly epoch: string;
  readonly #info: string;
  isAlive = true;
  readonly #scripts: SimulatedScripts;

  constructor(identity: RedisIdentity, keyspace = new SimulatedKeyspace(), table = simulatedScripts) {
    this.keyspace = keyspace;
    this.#scripts = table;
    this.#info = `run_id:${identity.runId}\r\nrole:master\r\nmaster_replid:${identity.replicationId}\r\n`;
    const digest = createHash("sha1").update(`${identity.runId}:${identity.replicationId}`).digest();
    this.epoch = digest.toString("latin1", 0, 8);
  }

  /**
   * Runs a command as ioredis sends it: INFO, HMGET, GET, SET PX with or without NX GET, or EVAL and EVALSHA of one of
   * the sidecar's scripts.
   *
   * @throws {Error} the command is not simulated yet
   */
  execute(command: string, args: readonly (string | Buffer)[], nowMs: number): WireReply {
    this.keyspace.nowUs = Math.floor(nowMs * 1000);
    if (command === "info") return Buffer.from(this.#info);
    const [first = "", ...rest] = args.map(bytesOf);
    if (command === "hmget") return onWire(this.keyspace.hmget(first, ...rest));
    if (command === "get") return onWire(this.keyspace.text(first));
    if (command === "set") return onWire(this.#set(first, rest));
    const script = this.#scriptOf(command, first);
    const hasKey = rest[0] === "1";
    const argv = rest.slice(hasKey ? 2 : 1);
    const reply = script({
      redis: this.keyspace,
      epoch: this.epoch,
      epochHex: Buffer.from(this.epoch, "latin1").toString("hex"),
      key: rest[1] ?? "",
      argv: (n) => argv[n - 1] ?? "",
      argc: argv.length,
    });
    return onWire(reply);
  }

  #set(key: string, [text = "", , lifeMs, ...conditions]: readonly string[]): Reply {
    const held = this.keyspace.text(key);
    const isConditional = conditions.includes("NX");
    if (!isConditional || held === null) this.keyspace.setText(key, text, Number(lifeMs));
    return isConditional ? held : "OK";
  }

  #scriptOf(command: string, called: string) {
    const name = scriptName(command, called);
    for (const [known, script] of Object.entries(this.#scripts)) if (known === name) return script;
    throw new Error(`the simulated Redis does not know ${name}`);
  }
}

/** Returns the name of the script that EVAL or EVALSHA runs, or the command itself. */
export function scriptName(command: string, called: string): string {
  return command === "eval" || command === "evalsha"
    ? (scriptNames.get(called) ?? "an unknown script")
    : command;
}

function bytesOf(argument: string | Buffer): string {
  return typeof argument === "string"
    ? Buffer.from(argument).toString("latin1")
    : argument.toString("latin1");
}

function onWire(reply: Reply): WireReply {
  if (typeof reply === "string") return Buffer.from(reply, "latin1");
  return Array.isArray(reply) ? reply.map(onWire) : reply;
}
