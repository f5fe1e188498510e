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

/** One TCP connection: whatever it carries arrives in order, or not at all once it has ended. */
interface Connection {
  readonly server: SimulatedRedisServer;
  isOpen: boolean;
  /** When the last message each way arrives; the next one does not overtake it. */
  arrivesAtMs: { server: number; client: number };
  /** With the alarm of each. */
  readonly pending: Map<SentCommand, ScheduledEvent>;
}

/** As in src/redis/connection.ts. */
const commandMs = 500;
/** Sooner than in src/redis/connection.ts, at times: whoever is back early is in danger. */
const reconnectMsMax = 50;
/** So much later a command may run once more. */
export const duplicateMsMax = 4000;

/**
 * One sidecar's connection to Redis, made again whenever it ends, as src/redis/connection.ts has it:
 * commands fail at once without a connection, after a while without a reply, and none is sent twice by it.
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

  /** Without a connection the command fails at once; ioredis calls that a stream that is not writeable. */
  send(command: SentCommand): void {
    const connection = this.#connection;
    if (connection === null) {
      command.reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"));
      return;
    }
    const { scheduler, random, weather } = this.#world;
    const alarm = scheduler.after(commandMs, this.#process, () => {
      if (connection.pending.delete(command)) command.reject(new Error("Command timed out"));
    });
    connection.pending.set(command, alarm);
    this.#carry(connection, "server", () => this.#arrive(connection, command));
    if (random.chance(weather.redisDuplicates)) this.#duplicate(command);
    if (random.chance(weather.redisResets))
      scheduler.after(this.#world.latencyMs() * 2, this.#process, () => this.#end(connection));
  }

  /** Ends the connection, and makes a new one. */
  reset(): void {
    if (this.#connection !== null) this.#end(this.#connection);
  }

  #arrive(connection: Connection, command: SentCommand): void {
    if (!connection.server.isAlive) return;
    // What was sent before the connection ended may still lie in the server's buffers.
    if (!connection.isOpen && this.#world.random.chance(0.5)) return;
    const reply = this.#execute(connection.server, command);
    this.#carry(connection, "client", () => {
      const alarm = connection.pending.get(command);
      if (!connection.isOpen || alarm === undefined) return;
      alarm.isCancelled = true;
      connection.pending.delete(command);
      command.resolve(reply);
    });
  }

  #execute(server: SimulatedRedisServer, command: SentCommand, note = ""): WireReply {
    const reply = this.#redis.execute(server, command.name, command.args);
    const name = scriptName(command.name, String(command.args[0]));
    if (name !== "info" && name !== "recordEpoch") this.#tellOf(name, command, reply, note);
    return reply;
  }

  #tellOf(name: string, command: SentCommand, reply: WireReply, note: string): void {
    const key = String(command.args[name === "hmget" ? 0 : 2]);
    this.#world.tell(
      "redis",
      () =>
        `${name}${note} of ${this.#process.name} -> ${inWords(reply)}; ${key} is ${this.#redis.describe(key.slice("user:".length))}`,
    );
  }

  #carry(connection: Connection, to: "server" | "client", deliver: () => void): void {
    const { scheduler, random, weather } = this.#world;
    const stallMs = random.chance(weather.redisStalls) ? random.between(50, 3000) : 0;
    const atMs = Math.max(connection.arrivesAtMs[to], scheduler.nowMs + this.#world.latencyMs() + stallMs);
    connection.arrivesAtMs[to] = atMs;
    scheduler.after(atMs - scheduler.nowMs, to === "client" ? this.#process : null, deliver);
  }

  /** A proxy, or the client of a Cluster, sends it once more, perhaps to the server's successor; nobody waits for that reply. */
  #duplicate(command: SentCommand): void {
    const { random, scheduler, weather } = this.#world;
    const anyMs = random.pick([
      random.between(0, 5),
      random.between(0, 300),
      random.between(0, duplicateMsMax),
    ]);
    scheduler.after(weather.redisDuplicatesAfterMs ?? anyMs, null, () => {
      if (this.#redis.server !== null) this.#execute(this.#redis.server, command, " (sent again)");
    });
  }

  #end(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.#connection = null;
    this.#world.tell(this.#process.name, () => "its connection to Redis ends");
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

function inWords(reply: WireReply): string {
  if (Array.isArray(reply)) return `[${reply.map(inWords).join(", ")}]`;
  if (!Buffer.isBuffer(reply)) return String(reply);
  const text = reply.toString("latin1");
  return /^[\x20-\x7e]*$/.test(text) ? text.slice(0, 6) : reply.toString("hex").slice(0, 6);
}
