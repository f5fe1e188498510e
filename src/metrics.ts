import type { Registry } from "prom-client";

export interface Gauges {
  /** Masters of Redis that answer now. */
  readonly liveMasters: () => number;
  readonly isFilling: () => boolean;
  /** Epochs of Redis met since the start. */
  readonly epochsMet: () => number;
}

const hashEvents = [
  "hit",
  "miss",
  "ask",
  "marker",
  "bypassed",
  "fill",
  "fill refused",
  "begin",
  "end failed",
  "unreachable",
] as const;
const storeEvents = ["audited", "stale hit", "outcome unknown", "write contended"] as const;
const guardEvents = ["fell back", "returned"] as const;
const logEvents = ["dropped"] as const;

interface EventFamily {
  readonly name: string;
  readonly help: string;
  /** By event, since the start. */
  readonly counts: ReadonlyMap<string, number>;
}

interface GaugeFamily {
  readonly name: string;
  readonly help: string;
  /** Asked whenever the metrics are. */
  readonly read: () => number;
}

/**
 * What `/metrics` tells, in the text format of Prometheus. Labels are few and fixed; none comes from a request.
 *
 * Counting an event is an addition. prom-client, which knows the format, is loaded when somebody first asks: it
 * would take a tenth of every start.
 */
export function createMetrics() {
  const hash = countEvents(hashEvents);
  const store = countEvents(storeEvents);
  const guard = countEvents(guardEvents);
  const log = countEvents(logEvents);
  const events: readonly EventFamily[] = [
    { name: "ownid_hash_events_total", help: "What happened to the Redis hashes", counts: hash.counts },
    { name: "ownid_store_events_total", help: "What the write-through met", counts: store.counts },
    { name: "ownid_replay_guard_events_total", help: "Where the replay guard is kept", counts: guard.counts },
    { name: "ownid_log_events_total", help: "Log entries that were not written", counts: log.counts },
  ];
  const gauges: GaugeFamily[] = [];
  let registry: Promise<Registry> | null = null;

  return {
    noteHash: hash.note,
    noteStore: store.note,
    noteGuard: guard.note,
    noteLog: log.note,
    contentType: "text/plain; version=0.0.4; charset=utf-8",

    async text(): Promise<string> {
      registry ??= register(events, gauges).catch((error) => {
        registry = null;
        throw error;
      });
      return (await registry).metrics();
    },

    /** Adds what is read at the moment of asking; before the first `text`. */
    watch({ liveMasters, isFilling, epochsMet }: Gauges): void {
      const filling = "1 when the grace is over and misses are stored";
      gauges.push(
        { name: "ownid_redis_live_masters", help: "Masters of Redis that answer now", read: liveMasters },
        { name: "ownid_redis_epochs_met", help: "Epochs of Redis met since the start", read: epochsMet },
        { name: "ownid_redis_filling", help: filling, read: () => Number(isFilling()) },
      );
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** Every event has its counter from the start, so that a rate can be taken before the first one. */
function countEvents<Event extends string>(events: readonly Event[]) {
  const counts = new Map(events.map((event) => [event, 0]));
  const note = (event: Event, times = 1): void => void counts.set(event, (counts.get(event) ?? 0) + times);
  return { counts, note };
}

async function register(events: readonly EventFamily[], gauges: readonly GaugeFamily[]): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  for (const { name, help, counts } of events) {
    new Counter({
      name,
      help,
      registers,
      labelNames: ["event"],
      collect() {
        this.reset();
        for (const [event, count] of counts) this.inc({ event: event.replaceAll(" ", "_") }, count);
      },
    });
  }
  for (const { name, help, read } of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
  return registry;
}
