import type { Histogram } from "hdr-histogram-js";
import { createLatencies, percentileMs, recordMs } from "./latencies.ts";

/** What happened in one stretch of the test. Rates are per second; `null` = no request was due in it that says. */
export interface TimelinePoint {
  readonly fromSecond: number;
  readonly seconds: number;
  /** Due in it. */
  readonly intendedRate: number;
  /** Answered in it, with whatever answer. */
  readonly achievedRate: number;
  /** Of those due in it, the failed ones. */
  readonly errors: number;
  /** Of those due in it, from when they were due. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Timeline {
  due(dueMs: number): void;
  answered(doneMs: number): void;
  failed(dueMs: number): void;
  latency(dueMs: number, latencyMs: number): void;
  /** Up to `endMs`. */
  points(endMs: number): TimelinePoint[];
  /** The latencies of what was due between two times, to the width of a point. */
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
 * Records the course of the test in at most `pointsMax` points, at first one a second. If there is one more, every
 * two neighbours are merged, with the percentiles of both and not an average of them. A day therefore takes no more
 * memory than ten minutes.
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
