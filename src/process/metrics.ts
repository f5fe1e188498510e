import type { Registry } from "prom-client";
import {
  auditEvents,
  type CounterFamily,
  createEventCounter,
  createFailureCounter,
  createRequestCounter,
  guardEvents,
  hashEvents,
  type Labels,
  logEvents,
  reloadEvents,
  storeEvents,
} from "./counters.ts";

export interface Gauges {
  /** Returns the number of masters of Redis that answer. */
  readonly liveMasters: () => number;
  readonly isFilling: () => boolean;
  /** Returns the number of epochs of Redis that were seen since the start. */
  readonly epochsSeen: () => number;
}

interface GaugeFamily {
  readonly name: string;
  readonly help: string;
  /** Called whenever the metrics are requested. */
  readonly read: () => number;
}

/**
 * Creates the metrics of `/metrics`, in the text format of Prometheus. The labels are few and fixed; none comes from
 * a request.
 *
 * To count an event is one addition. prom-client is loaded when the metrics are first requested, because loading it
 * would take a tenth of every start.
 */
export function createMetrics() {
  const hash = createEventCounter(hashEvents);
  const store = createEventCounter(storeEvents);
  const guard = createEventCounter(guardEvents);
  const log = createEventCounter(logEvents);
  const reload = createEventCounter(reloadEvents);
  const audit = createEventCounter(auditEvents);
  const requests = createRequestCounter();
  const failures = createFailureCounter();
  const counters: readonly CounterFamily[] = [
    requests.family,
    failures.family,
    hash.family("ownid_hash_events_total", "What happened to the Redis hashes"),
    store.family("ownid_store_events_total", "Writes, and values in Redis that contradicted the row"),
    guard.family("ownid_replay_guard_events_total", "Where the replay guard is kept"),
    log.family("ownid_log_events_total", "Log entries that were not written"),
    audit.family("ownid_audit_events_total", "Entries of the audit log"),
    reload.family("ownid_reload_events_total", "What happened to changed files of keys and secrets"),
  ];
  const gauges: GaugeFamily[] = [];
  let registry: Promise<Registry> | null = null;

  return {
    countHash: hash.count,
    countStore: store.count,
    countGuard: guard.count,
    countReload: reload.count,
    countAuditEntries: audit.count,
    countLogEntries: log.count,
    countRequest: requests.count,
    countFailure: failures.count,
    contentType: "text/plain; version=0.0.4; charset=utf-8",

    async text(): Promise<string> {
      registry ??= register(counters, gauges).catch((error) => {
        registry = null;
        throw error;
      });
      return (await registry).metrics();
    },

    /** Adds gauges that are read when the metrics are requested. Must be called before the first `text`. */
    watch({ liveMasters, isFilling, epochsSeen }: Gauges): void {
      const filling = "1 when the grace is over and misses are stored";
      gauges.push(
        { name: "ownid_redis_live_masters", help: "Masters of Redis that answer now", read: liveMasters },
        { name: "ownid_redis_epochs_seen", help: "Epochs of Redis seen since the start", read: epochsSeen },
        { name: "ownid_redis_filling", help: filling, read: () => Number(isFilling()) },
      );
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

async function register(
  counters: readonly CounterFamily[],
  gauges: readonly GaugeFamily[],
): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  for (const { name, help, labelNames, series } of counters) {
    new Counter({
      name,
      help,
      registers,
      labelNames: [...labelNames],
      collect() {
        this.reset();
        for (const [labels, count] of series()) this.inc(spelled(labels), count);
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

/** Prometheus's own labels contain no blanks. */
function spelled(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, value.replaceAll(" ", "_")]),
  );
}
