import type { RedisDeployment } from "./redis-deployment.ts";
import type { Process, ScheduledEvent } from "./scheduler.ts";
import { type SimulatedRedisServer, scriptName, type WireReply } from "./simulated-redis-server.ts";
import type { World } from "./world.ts";

export interface SentCommand {
  readonly name: string;
  readonly args: readonly (string | Buffer)[];
  readonly resolve: (reply: WireReply) => void;
  readonly reject: (error: Error) => void;
}

/** A TCP connection. Messages arrive in order, or not at all after it has ended. */
interface Connection {
  readonly server: SimulatedRedisServer;
  isOpen: boolean;
  /** When the last message in each direction arrives. The next one cannot overtake it. */
  arrivesAtMs: { server: number; client: number };
  /** The commands without a reply, with the timeout of each. */
  readonly pending: Map<SentCommand, ScheduledEvent>;
}

/** The same timeout as in src/redis/connection.ts. */
const commandMs = 500;
/** Sometimes shorter than in src/redis/connection.ts, because an early reconnection is more dangerous. */
const reconnectMsMax = 50;
/** The longest delay after which a command may run a second time. */
export const duplicateMsMax = 4000;

/**
 * One sidecar's connection to Redis, which is reopened whenever it ends, as in src/redis/connection.ts. Commands fail
 * at once without a connection, and after a timeout without a reply. The link itself sends none twice.
 */
export class RedisLink {
  readonly #world: World;
  readonly #redis: RedisDeployment;
  readonly #process: Process;
  #connection: Connection | null = null;
  #onConnectionChange = () => {};

  constructor(world: World, redis: RedisDeployment, process: Process) {
    this.#world = world;
    this.#redis = redis;
    this.#process = process;
    this.#connectLater(0);
  }

  get isReady(): boolean {
    return this.#connection !== null;
  }

  onConnectionChange(callback: () => void): void {
    this.#onConnectionChange = callback;
  }

  /**
   * Sends a command. Without a connection it fails at once, with the error of ioredis for a stream that is not
   * writeable.
   */
  send(command: SentCommand): void {
    const connection = this.#connection;
    if (connection === null) {
      command.reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"));
      return;
    }
    const { scheduler, random, faultRates } = this.#world;
    const alarm = scheduler.after(commandMs, this.#process, () => {
      if (connection.pending.delete(command)) command.reject(new Error("Command timed out"));
    });
    connection.pending.set(command, alarm);
    this.#carry(connection, "server", () => this.#arrive(connection, command));
    if (random.chance(faultRates.redisDuplicates)) this.#duplicate(command);
    if (random.chance(faultRates.redisResets))
      scheduler.after(this.#world.latencyMs() * 2, this.#process, () => this.#end(connection));
  }

  /** Ends the connection and opens a new one. */
  reset(): void {
    if (this.#connection !== null) this.#end(this.#connection);
  }

  #arrive(connection: Connection, command: SentCommand): void {
    if (!connection.server.isAlive) return;
    // Messages that were sent before the connection ended may still be in the server's buffers.
    if (!connection.isOpen && this.#world.random.chance(0.5)) return;
    const isRefused = this.#redis.isFull && writes.includes(command.name);
    const reply = isRefused ? null : this.#execute(connection.server, command);
    this.#carry(connection, "client", () => {
      const alarm = connection.pending.get(command);
      if (!connection.isOpen || alarm === undefined) return;
      alarm.isCancelled = true;
      connection.pending.delete(command);
      if (isRefused) command.reject(outOfMemory());
      else command.resolve(reply);
    });
  }

  #execute(server: SimulatedRedisServer, command: SentCommand, note = ""): WireReply {
    const reply = this.#redis.execute(server, command.name, command.args);
    const name = scriptName(command.name, String(command.args[0]));
    if (name !== "info" && name !== "recordEpoch") this.#logCommand(name, command, reply, note);
    return reply;
  }

  #logCommand(name: string, command: SentCommand, reply: WireReply, note: string): void {
    const key = String(command.args[command.name.startsWith("eval") ? 2 : 0]);
    this.#world.log(
      "redis",
      () =>
        `${name}${note} of ${this.#process.name} -> ${inWords(reply)}; ${key} is ${this.#redis.describe(key)}`,
    );
  }

  #carry(connection: Connection, to: "server" | "client", deliver: () => void): void {
    const { scheduler, random, faultRates } = this.#world;
    const stallMs = random.chance(faultRates.redisStalls) ? random.between(50, 3000) : 0;
    const atMs = Math.max(connection.arrivesAtMs[to], scheduler.nowMs + this.#world.latencyMs() + stallMs);
    connection.arrivesAtMs[to] = atMs;
    scheduler.after(atMs - scheduler.nowMs, to === "client" ? this.#process : null, deliver);
  }

  /**
   * Sends a command once more, as a proxy or the client of a Cluster may do, possibly to another server. Nobody waits
   * for that reply.
   */
  #duplicate(command: SentCommand): void {
    const { random, scheduler, faultRates } = this.#world;
    const anyMs = random.pick([
      random.between(0, 5),
      random.between(0, 300),
      random.between(0, duplicateMsMax),
    ]);
    scheduler.after(faultRates.redisDuplicatesAfterMs ?? anyMs, null, () => {
      if (this.#redis.server !== null) this.#execute(this.#redis.server, command, " (sent again)");
    });
  }

  #end(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.#connection = null;
    this.#world.log(this.#process.name, () => "its connection to Redis ends");
    this.#world.count("redis connection ended");
    for (const command of connection.pending.keys()) command.reject(new Error("Connection is closed."));
    connection.pending.clear();
    this.#onConnectionChange();
    this.#connectLater(this.#world.random.between(1, reconnectMsMax));
  }

  #connectLater(delayMs: number): void {
    const { scheduler } = this.#world;
    scheduler.after(delayMs + this.#world.latencyMs(), this.#process, () => {
      const { server } = this.#redis;
      if (server === null) return this.#connectLater(reconnectMsMax);
      const arrivesAtMs = { server: scheduler.nowMs, client: scheduler.nowMs };
      const connection = {
        server,
        isOpen: true,
        arrivesAtMs,
        pending: new Map<SentCommand, ScheduledEvent>(),
      };
      this.#redis.onEnd(() => {
        const noticedMs = this.#world.latencyMs();
        scheduler.after(noticedMs, this.#process, () => this.#end(connection));
      });
      this.#connection = connection;
      this.#onConnectionChange();
    });
  }
}

/** The commands that a full Redis refuses. */
const writes = ["set", "eval", "evalsha"];

/** The error of ioredis for a command that Redis has refused. */
const outOfMemory = () => Object.assign(new Error("OOM command not allowed"), { name: "ReplyError" });

function inWords(reply: WireReply): string {
  if (Array.isArray(reply)) return `[${reply.map(inWords).join(", ")}]`;
  if (!Buffer.isBuffer(reply)) return String(reply);
  const text = reply.toString("latin1");
  return /^[\x20-\x7e]*$/.test(text) ? text.slice(0, 6) : reply.toString("hex").slice(0, 6);
}
