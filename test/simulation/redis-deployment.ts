import { SimulatedKeyspace } from "./simulated-keyspace.ts";
import { SimulatedRedisServer, scriptName, type WireReply } from "./simulated-redis-server.ts";
import { simulatedScripts } from "./simulated-scripts.ts";
import { hexOf } from "./virtual-globals.ts";
import type { World } from "./world.ts";

/** The maximum number of changes by which a replica may lag. */
const recentMax = 12;
const snapshotsMax = 5;

/**
 * The Redis that sidecars connect to. It is a sequence of servers, since Redis may restart empty or from a snapshot, or
 * fail over to a replica that has not received the last changes.
 */
export class RedisDeployment {
  /** `null` while it is down. */
  server: SimulatedRedisServer | null;
  /** Whether it refuses to write, as a server does that has reached maxmemory. */
  isFull = false;
  /** When the server started, by the scheduler's clock. */
  beganAtMs = 0;
  readonly #world: World;
  readonly #clockOffsetMs: number;
  /** Copies of all data after each of the last changes, as a replica or an append-only file may hold them. */
  #recent: SimulatedKeyspace[] = [];
  #snapshots: SimulatedKeyspace[] = [];
  #onEnd = new Set<() => void>();

  constructor(world: World) {
    this.#world = world;
    this.#clockOffsetMs = 1_700_000_000_000 + world.random.integer(-3_600_000, 3_600_000);
    this.server = this.#newServer(new SimulatedKeyspace());
    world.repeat(world.faultRates.redisEndsEveryMs, () => this.#end());
  }

  /** Returns the time of Redis' own clock. */
  nowMs(): number {
    return this.#clockOffsetMs + this.#world.scheduler.nowMs;
  }

  /** Calls back once, when the current server ends. */
  onEnd(callback: () => void): void {
    this.#onEnd.add(callback);
  }

  execute(server: SimulatedRedisServer, command: string, args: readonly (string | Buffer)[]): WireReply {
    const { version } = server.keyspace;
    const reply = server.execute(command, args, this.nowMs());
    const name = scriptName(command, String(args[0]));
    if (name === "beginWrite" || name === "set") this.#endDuringWrite();
    if (server.keyspace.version !== version) this.#recordChange(server.keyspace);
    return reply;
  }

  #endDuringWrite(): void {
    const { random, scheduler, faultRates } = this.#world;
    if (random.chance(faultRates.redisEndsAtWrites))
      scheduler.after(random.between(0, 10), null, () => this.#end());
  }

  #recordChange(keyspace: SimulatedKeyspace): void {
    this.#world.changes += 1;
    const { redisEndsEveryMs, redisEndsAtWrites } = this.#world.scenario.faultRates;
    if (redisEndsEveryMs === null && redisEndsAtWrites === 0) return;
    const copy = keyspace.copy();
    if (this.#recent.push(copy) > recentMax) this.#recent.shift();
    if (!this.#world.random.chance(0.15)) return;
    if (this.#snapshots.push(copy) > snapshotsMax) this.#snapshots.shift();
  }

  #newServer(keyspace: SimulatedKeyspace): SimulatedRedisServer {
    const { random, mutation } = this.#world;
    const identity = { runId: hexOf(random, 20), replicationId: hexOf(random, 20) };
    return new SimulatedRedisServer(identity, keyspace, { ...simulatedScripts, ...mutation.scripts });
  }

  #end(): void {
    if (this.server === null) return;
    this.#world.log("redis", () => "ends");
    this.#world.count("redis ended");
    this.server.isAlive = false;
    this.server = null;
    const callbacks = this.#onEnd;
    this.#onEnd = new Set();
    for (const callback of callbacks) callback();
    const { random, scheduler } = this.#world;
    const downMs = random.pick([
      random.between(0.5, 5),
      random.between(0.5, 5),
      random.between(5, 300),
      random.between(300, 3000),
    ]);
    scheduler.after(downMs, null, () => this.#begin());
  }

  #begin(): void {
    const { random } = this.#world;
    const how = random.pick(["empty", "with all data", "from a snapshot", "as a replica that lagged"]);
    this.server = this.#newServer(this.#remembered(how).copy());
    this.beganAtMs = this.#world.scheduler.nowMs;
    this.#world.changes += 1;
    this.#world.log("redis", () => `starts ${how}: ${this.describe("user:ann")}`);
    this.#world.count(`redis started ${how}`);
  }

  #remembered(how: string): SimulatedKeyspace {
    const { random } = this.#world;
    if (how === "with all data") return this.#recent.at(-1) ?? new SimulatedKeyspace();
    const held = how === "from a snapshot" ? this.#snapshots : this.#recent;
    if (how === "empty" || held.length === 0) return new SimulatedKeyspace();
    return held[random.integer(0, held.length - 1)] ?? new SimulatedKeyspace();
  }

  /** Describes what a key holds for the trace. */
  describe(key: string): string {
    const hash = this.server?.keyspace.hash(key) ?? null;
    if (this.server === null || hash === null) return this.server?.keyspace.text(key) ?? "nothing";
    const words = [...hash.fields].map(([field, text]) => {
      if (field === "e") return text === this.server?.epoch ? "e: this" : "e: foreign";
      if (field.startsWith("w:")) return `${field.slice(0, 8)}: ${Math.ceil(Number(text) - this.nowMs())} ms`;
      return `${field}: ${text.slice(0, 6)}`;
    });
    return `{ ${words.sort().join(", ")} }`;
  }

  /** Returns the value under this key that a reader may believe now, or `null`. */
  believable(key: string): string | null {
    if (this.server === null) return null;
    this.server.keyspace.nowUs = Math.floor(this.nowMs() * 1000);
    const [e, v, n] = this.server.keyspace.hmget(key, "e", "v", "n");
    return e === this.server.epoch && n === null && v ? Buffer.from(v, "latin1").toString() : null;
  }
}
