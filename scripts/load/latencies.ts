import { build, type Histogram } from "hdr-histogram-js";

/** The highest latency that can be recorded, and therefore the longest that a request may take. */
export const latencyMsMax = 60_000;

const microseconds = 1000;

/** Creates an HDR histogram of latencies from 1 µs to 60 s. Its size does not depend on how many are recorded. */
export function createLatencies(significantDigits: 2 | 3): Histogram {
  return build({
    bitBucketSize: 32,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: latencyMsMax * microseconds,
    numberOfSignificantValueDigits: significantDigits,
    useWebAssembly: false,
  });
}

export function recordMs(histogram: Histogram, milliseconds: number): void {
  const value = Math.round(milliseconds * microseconds);
  histogram.recordValue(Math.min(latencyMsMax * microseconds, Math.max(1, value)));
}

/** Returns a percentile, which never exceeds the highest recorded latency. Only that one is exact. */
export function percentileMs(histogram: Histogram, percentile: number): number {
  return Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / microseconds;
}

/** The percentiles of one histogram in milliseconds. They are `null` if nothing was recorded. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
}

export function summarizeLatencies(histogram: Histogram): LatencySummary {
  const at = (percentile: number) =>
    histogram.totalCount === 0 ? null : percentileMs(histogram, percentile);
  return {
    count: histogram.totalCount,
    p50Ms: at(50),
    p90Ms: at(90),
    p95Ms: at(95),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: at(100),
  };
}

export interface PercentilePoint {
  /** From 0 up to but excluding 1: this share of the requests took at most `ms`. */
  readonly share: number;
  readonly ms: number;
}

const pointsPerDecade = 24;

/**
 * Returns the percentiles at equal steps of log 1/(1 − share), up to the highest that this number of requests can show.
 */
export function percentileCurve(histogram: Histogram): PercentilePoint[] {
  const { totalCount } = histogram;
  if (totalCount === 0) return [];
  const steps = Math.floor(Math.log10(totalCount) * pointsPerDecade);
  return Array.from({ length: steps + 1 }, (_, step) => {
    const share = 1 - 10 ** (-step / pointsPerDecade);
    return { share, ms: percentileMs(histogram, share * 100) };
  });
}
