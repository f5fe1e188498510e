import type { Histogram } from "hdr-histogram-js";
import { createLatencies, percentileMs, recordMs } from "./latencies.ts";

/**
 * What happened in one interval of the test. Rates are per second. A percentile is `null` if no request that was due in
 * the interval has a known latency.
 */
export interface TimelinePoint {
  readonly fromSecond: number;
  readonly seconds: number;
  /** Requests that were due in the interval. */
  readonly intendedRate: number;
  /** Requests that were answered in the interval, with any answer. */
  readonly achievedRate: number;
  /** How many of the requests that were due in the interval failed. */
  readonly errors: number;
  /** Latency of the requests that were due in the interval, measured from when they were due. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Timeline {
  due(dueMs: number): void;
  answered(doneMs: number): void;
  failed(dueMs: number): void;
  latency(dueMs: number, latencyMs: number): void;
  /** Returns the points up to `endMs`. */
  points(endMs: number): TimelinePoint[];
  /** Returns the latencies of the requests that were due between two times, rounded to the width of a point. */
  between(fromMs: number, toMs: number): Histogram;
}

interface Stretch {
  due: number;
  answered: number;
  errors: number;
  latencies: Histogram | null;
}

const firstWidthMs = 1000;
const significantDigits = 2;

/**
 * Records the course of the test in at most `pointsMax` points. At first, a point covers one second. If there would be
 * one more point, each two neighbors are merged, and their percentiles are computed from the merged histogram and not
 * averaged. A test of a day therefore takes no more memory than one of ten minutes.
 */
export function createTimeline(pointsMax = 600): Timeline {
  let widthMs = firstWidthMs;
  let stretches: Stretch[] = [];

  function at(ms: number): Stretch {
    while (Math.floor(ms / widthMs) >= pointsMax) halve();
    const index = Math.max(0, Math.floor(ms / widthMs));
    while (stretches.length <= index) stretches.push(emptyStretch());
    return stretches[index] ?? emptyStretch();
  }

  function halve(): void {
    widthMs *= 2;
    stretches = Array.from({ length: Math.ceil(stretches.length / 2) }, (_, index) =>
      merge(stretches[2 * index] ?? emptyStretch(), stretches[2 * index + 1] ?? emptyStretch()),
    );
  }

  function pointOf({ due, answered, errors, latencies }: Stretch, index: number, endMs: number) {
    const seconds = Math.min(widthMs, endMs - index * widthMs) / 1000;
    const percentile = (p: number) => (latencies === null ? null : percentileMs(latencies, p));
    return {
      fromSecond: (index * widthMs) / 1000,
      seconds,
      intendedRate: due / seconds,
      achievedRate: answered / seconds,
      errors,
      p50Ms: percentile(50),
      p95Ms: percentile(95),
      p99Ms: percentile(99),
    };
  }

  return {
    due(dueMs) {
      at(dueMs).due += 1;
    },
    answered(doneMs) {
      at(doneMs).answered += 1;
    },
    failed(dueMs) {
      at(dueMs).errors += 1;
    },
    latency(dueMs, latencyMs) {
      const stretch = at(dueMs);
      stretch.latencies ??= createLatencies(significantDigits);
      recordMs(stretch.latencies, latencyMs);
    },
    points: (endMs) =>
      stretches.slice(0, Math.ceil(endMs / widthMs)).map((stretch, index) => pointOf(stretch, index, endMs)),
    between(fromMs, toMs) {
      const all = createLatencies(significantDigits);
      for (const { latencies } of stretches.slice(Math.floor(fromMs / widthMs), Math.ceil(toMs / widthMs))) {
        if (latencies !== null) all.add(latencies);
      }
      return all;
    },
  };
}

function emptyStretch(): Stretch {
  return { due: 0, answered: 0, errors: 0, latencies: null };
}

function merge(one: Stretch, other: Stretch): Stretch {
  const latencies = one.latencies ?? other.latencies;
  if (one.latencies !== null && other.latencies !== null) one.latencies.add(other.latencies);
  return {
    due: one.due + other.due,
    answered: one.answered + other.answered,
    errors: one.errors + other.errors,
    latencies,
  };
}
