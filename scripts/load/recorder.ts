import type { Histogram } from "hdr-histogram-js";
import { createLatencies, recordMs } from "./latencies.ts";
import { type Endpoint, endpoints } from "./signed-requests.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import type { Verdict } from "./verdict.ts";

/** One request that was sent. All times are milliseconds from the first measured instant. */
export interface Exchange {
  readonly endpoint: Endpoint;
  /** When it should have been sent. */
  readonly dueMs: number;
  readonly sentMs: number;
  readonly doneMs: number;
  /** Whether every connection was taken when it was due. */
  readonly hasWaitedForConnection: boolean;
}

/** What was recorded since the last look, for the display. */
export interface Window {
  readonly answered: number;
  readonly errors: number;
  readonly latencies: Histogram;
}

export type Recorder = ReturnType<typeof createRecorder>;

const errorKindsMax = 40;
const otherErrors = "other errors";

/**
 * Counts what becomes of the requests, in memory that does not grow.
 *
 * Latency runs from when a request was due. Percentiles are of the requests that succeeded and of those that ran
 * out of time, sent or not, with the time they had waited: so an error that comes fast cannot make them look
 * better, and a server that hangs makes them worse.
 */
export function createRecorder() {
  const latencies = { get: createLatencies(3), set: createLatencies(3), session: createLatencies(3) };
  const counts = { get: emptyCount(), set: emptyCount(), session: emptyCount() };
  /** How long those waited that were never sent. */
  const unsent = createLatencies(3);
  const serviceTimes = createLatencies(3);
  /** Of the sends that a connection was free for: what the generator itself is late. */
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

    /** What was due during the warm-up is shown but not counted. */
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

    /** It was due, but no connection became free in time. */
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

    /** All endpoints together, and what was never sent. */
    allLatencies(): Histogram {
      const all = createLatencies(3);
      all.add(unsent);
      for (const endpoint of endpoints) all.add(latencies[endpoint]);
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
