import { Counter, Gauge, Registry } from "prom-client";

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

/** What `/metrics` tells, in the text format of Prometheus. Labels are few and fixed; none comes from a request. */
export function createMetrics() {
  const registry = new Registry();
  const noteHash = eventCounter(
    registry,
    "ownid_hash_events_total",
    "What happened to the Redis hashes",
    hashEvents,
  );
  const noteStore = eventCounter(
    registry,
    "ownid_store_events_total",
    "What the write-through met",
    storeEvents,
  );
  const noteGuard = eventCounter(
    registry,
    "ownid_replay_guard_events_total",
    "Where the replay guard is kept",
    guardEvents,
  );

  return {
    noteHash,
    noteStore,
    noteGuard,
    contentType: registry.contentType,
    text: () => registry.metrics(),

    /** Adds what is read at the moment of asking. */
    watch({ liveMasters, isFilling, epochsMet }: Gauges): void {
      gauge(registry, "ownid_redis_live_masters", "Masters of Redis that answer now", liveMasters);
      gauge(registry, "ownid_redis_epochs_met", "Epochs of Redis met since the start", epochsMet);
      gauge(registry, "ownid_redis_filling", "1 when the grace is over and misses are stored", () =>
        Number(isFilling()),
      );
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every event has its counter from the start, so that a rate can be taken before the first one. Counting is an
 * addition; the labels are put on when somebody asks.
 */
function eventCounter<Event extends string>(
  registry: Registry,
  name: string,
  help: string,
  events: readonly Event[],
) {
  const counts = new Map(events.map((event) => [event, 0]));
  new Counter({
    name,
    help,
    labelNames: ["event"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [event, count] of counts) this.inc({ event: event.replaceAll(" ", "_") }, count);
    },
  });
  return (event: Event): void => void counts.set(event, (counts.get(event) ?? 0) + 1);
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
