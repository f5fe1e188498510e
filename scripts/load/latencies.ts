import { build, type Histogram } from "hdr-histogram-js";

/** The longest time that is told apart, and so the longest that a request may take. */
export const latencyMsMax = 60_000;

const microseconds = 1000;

/** An HDR histogram of latencies from 1 µs to 60 s. Its size is fixed, however many there are. */
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

/** Never more than the greatest that was recorded, which alone is exact. */
export function percentileMs(histogram: Histogram, percentile: number): number {
  return Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / microseconds;
}

/** What one histogram says. All times are in milliseconds, `null` where nothing was recorded. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
}

export function summariseLatencies(histogram: Histogram): LatencySummary {
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
  /** 0 ≤ share < 1: so many were at most `ms`. */
  readonly share: number;
  readonly ms: number;
}

const pointsPerDecade = 24;

/** The percentiles at equal steps of log 1/(1 − share), as far as there are requests to tell them. */
export function percentileCurve(histogram: Histogram): PercentilePoint[] {
  const { totalCount } = histogram;
  if (totalCount === 0) return [];
  const steps = Math.floor(Math.log10(totalCount) * pointsPerDecade);
  return Array.from({ length: steps + 1 }, (_, step) => {
    const share = 1 - 10 ** (-step / pointsPerDecade);
    return { share, ms: percentileMs(histogram, share * 100) };
  });
}
