import type { Histogram } from "hdr-histogram-js";
import { type Action, actions } from "../client/endpoints.ts";
import { createLatencies, recordMs } from "./latencies.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import type { Verdict } from "./verdict.ts";

/** One request that was sent. All times are milliseconds from the first measured instant. */
export interface Exchange {
  readonly endpoint: Action;
  /** When it should have been sent. */
  readonly dueMs: number;
  readonly sentMs: number;
  readonly doneMs: number;
  /** Whether every connection was in use when the request was due. */
  readonly hasWaitedForConnection: boolean;
}

/** What was recorded since the previous window, for the live display. */
export interface Window {
  readonly answered: number;
  readonly errors: number;
  readonly latencies: Histogram;
}

export type Recorder = ReturnType<typeof createRecorder>;

const errorKindsMax = 40;
const otherErrors = "other errors";

/**
 * Counts the outcomes of the requests, in memory that does not grow.
 *
 * Latency is measured from when a request was due. The percentiles cover the requests that succeeded and those that
 * timed out, sent or not, with the time that they had waited. An error that comes quickly therefore cannot improve
 * them, and a server that hangs makes them worse.
 */
export function createRecorder() {
  const latencies = { get: createLatencies(3), set: createLatencies(3), session: createLatencies(3) };
  const counts = { get: emptyCount(), set: emptyCount(), session: emptyCount() };
  /** How long the requests waited that were never sent. */
  const unsent = createLatencies(3);
  const serviceTimes = createLatencies(3);
  /** How late requests were sent although a connection was free, which is the load generator's own delay. */
  const lateness = createLatencies(3);
  const sends = { due: 0, sent: 0, notSent: 0, answered: 0, waited: 0, longestWaitMs: 0, lastSentMs: 0 };
  const errors = new Map<string, number>();
  const timeline = createTimeline();
  let window = emptyWindow();

  function fail(error: string, dueMs: number): void {
    const kind = errors.has(error) || errors.size < errorKindsMax ? error : otherErrors;
    errors.set(kind, (errors.get(kind) ?? 0) + 1);
    timeline.failed(dueMs);
  }

  function recordSend({ dueMs, sentMs, hasWaitedForConnection }: Exchange): void {
    sends.due += 1;
    sends.sent += 1;
    sends.lastSentMs = Math.max(sends.lastSentMs, sentMs);
    timeline.due(dueMs);
    if (hasWaitedForConnection) {
      sends.waited += 1;
      sends.longestWaitMs = Math.max(sends.longestWaitMs, sentMs - dueMs);
    } else recordMs(lateness, sentMs - dueMs);
  }

  return {
    latencies,
    counts,
    serviceTimes,
    lateness,
    sends,
    errors: errors as ReadonlyMap<string, number>,
    timeline: timeline as Pick<Timeline, "points" | "between">,

    /** Requests that were due during the warm-up are displayed but not counted. */
    record(exchange: Exchange, { error, isAnswered, isTimeout }: Verdict): void {
      const { endpoint, dueMs, sentMs, doneMs } = exchange;
      const isLatencyKnown = error === null || isTimeout;
      window.answered += 1;
      if (error !== null) window.errors += 1;
      if (isLatencyKnown) recordMs(window.latencies, doneMs - dueMs);
      if (dueMs < 0) return;
      recordSend(exchange);
      counts[endpoint].requests += 1;
      if (error !== null) {
        counts[endpoint].errors += 1;
        fail(error, dueMs);
      }
      if (isAnswered) {
        sends.answered += 1;
        timeline.answered(doneMs);
      }
      if (!isLatencyKnown) return;
      recordMs(latencies[endpoint], doneMs - dueMs);
      recordMs(serviceTimes, doneMs - sentMs);
      timeline.latency(dueMs, doneMs - dueMs);
    },

    /** Records a request that was due, but for which no connection became free in time. */
    recordNotSent(dueMs: number, waitedMs: number): void {
      window.errors += 1;
      recordMs(window.latencies, waitedMs);
      if (dueMs < 0) return;
      sends.due += 1;
      sends.notSent += 1;
      timeline.due(dueMs);
      fail("not sent: no connection was free in time", dueMs);
      recordMs(unsent, waitedMs);
      timeline.latency(dueMs, waitedMs);
    },

    takeWindow(): Window {
      const taken = window;
      window = emptyWindow();
      return taken;
    },

    /** Returns the latencies of all endpoints together, including requests that were never sent. */
    allLatencies(): Histogram {
      const all = createLatencies(3);
      all.add(unsent);
      for (const endpoint of actions) all.add(latencies[endpoint]);
      return all;
    },
  };
}

function emptyCount() {
  return { requests: 0, errors: 0 };
}

function emptyWindow() {
  return { answered: 0, errors: 0, latencies: createLatencies(2) };
}
