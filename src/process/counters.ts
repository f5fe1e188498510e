import { type ErrorCode, errorCodes, failureReasons, type SidecarError } from "../errors.ts";

/** What is counted, and under which names. To count an event is one addition; nothing here depends on Prometheus. */

export const hashEvents = [
  "hit",
  "miss",
  "ask",
  "stale",
  "marker",
  "bypassed",
  "fill",
  "fill refused",
  "begin",
  "end failed",
  "stray removed",
  "unreachable",
] as const;
export const storeEvents = [
  "audited",
  "stale hit",
  "stale refused",
  "written",
  "outcome unknown",
  "write contended",
  "write suppressed",
  "value altered",
] as const;
export const guardEvents = ["fell back", "returned"] as const;
/** What happened to a file of keys or secrets that has changed. */
export const reloadEvents = ["reloaded", "refused", "restart needed"] as const;
export type ReloadEvent = (typeof reloadEvents)[number];
/**
 * `recorded`: an entry was given to the audit log; it may still be `dropped`. `write failed`: the file began to refuse
 * what is written. `dropped`: an entry was lost, because too many were waiting to be written.
 */
export const auditEvents = ["recorded", "write failed", "dropped"] as const;
export type AuditOutputEvent = (typeof auditEvents)[number];
/** `dropped`: standard output could not be written. `left out`: too many requests failed in the same way. */
export const logEvents = ["dropped", "left out"] as const;

/** The signed endpoints, the public key set, and the routes of the ops listener that serve the site. */
const requestKinds = [
  "get",
  "set",
  "session",
  "keys",
  "verify",
  "introspect",
  "exchange",
  "invalidate",
  "revoke",
  "user",
] as const;
export type RequestKind = (typeof requestKinds)[number];

const outcomes = ["answered", "user unknown", "refused", "failed"] as const;
export type RequestOutcome = (typeof outcomes)[number];

export type Labels = Readonly<Record<string, string>>;

export interface CounterFamily {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Every possible combination of labels, each with its count since the start. */
  readonly series: () => Iterable<readonly [Labels, number]>;
}

/**
 * Counts events by name. Every event has a counter from the start, so that a rate can be computed before its first
 * occurrence.
 */
export function createEventCounter<Event extends string>(events: readonly Event[]) {
  const counts = recordOf<Event, number>(events, () => 0);
  function count(event: Event, times = 1): void {
    counts[event] += times;
  }
  function* series(): Iterable<readonly [Labels, number]> {
    for (const [event, times] of Object.entries<number>(counts)) yield [{ event }, times];
  }
  const family = (name: string, help: string): CounterFamily => ({
    name,
    help,
    labelNames: ["event"],
    series,
  });
  return { count, counts, family };
}

export function createRequestCounter() {
  const kinds = recordOf(requestKinds, () => createEventCounter(outcomes));
  function* series(): Iterable<readonly [Labels, number]> {
    for (const [endpoint, { counts }] of Object.entries(kinds))
      for (const [outcome, times] of Object.entries(counts)) yield [{ endpoint, outcome }, times];
  }
  const help = "Requests, by endpoint and by how they ended; probes and unknown paths are not among them";
  return {
    count: (kind: RequestKind, outcome: RequestOutcome): void => kinds[kind].count(outcome),
    family: { name: "ownid_requests_total", help, labelNames: ["endpoint", "outcome"], series },
  };
}

/**
 * Counts failures on both listeners, unknown paths included. The label `reason` is empty if the code has no reasons.
 */
export function createFailureCounter() {
  const reasons: Partial<Record<ErrorCode, readonly string[]>> = failureReasons;
  const byCode = recordOf(errorCodes, (code) => createEventCounter(reasons[code] ?? [""]));
  function* series(): Iterable<readonly [Labels, number]> {
    for (const [code, { counts }] of Object.entries(byCode))
      for (const [reason, times] of Object.entries(counts)) yield [{ code, reason }, times];
  }
  const help = "Requests that got a problem body or an empty 404, by its code";
  return {
    count: (code: ErrorCode, reason: SidecarError["reason"]): void => byCode[code].count(reason ?? ""),
    family: { name: "ownid_failures_total", help, labelNames: ["code", "reason"], series },
  };
}

/** Creates a value for each name. Several of these records are used for every request, and a map would cost more. */
function recordOf<Name extends string, Value>(
  names: readonly Name[],
  create: (name: Name) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, create(name)])) as Record<Name, Value>;
}
