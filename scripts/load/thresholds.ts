import { UsageWrong } from "../command.ts";
import { countText, durationText, latencyText, parseDurationMs, rateText, shareText } from "../quantities.ts";
import { type LatencySummary, latencyMsMax } from "./latencies.ts";

const percentiles = {
  p50: "p50Ms",
  p90: "p90Ms",
  p95: "p95Ms",
  p99: "p99Ms",
  p999: "p999Ms",
} as const satisfies Record<string, keyof LatencySummary>;

type Percentile = keyof typeof percentiles;

/** The measured values that thresholds are compared with. */
export interface Measured {
  readonly latency: LatencySummary;
  readonly requests: number;
  readonly errors: number;
  /** Answers per second. */
  readonly achievedRate: number;
}

export interface ThresholdVerdict {
  /** The condition, such as `p99 at most 20 ms`. */
  readonly threshold: string;
  readonly measured: string;
  readonly holds: boolean;
  /** By how much the threshold is missed, or `null` if it holds. */
  readonly missedBy: string | null;
}

export type Threshold = (measured: Measured) => ThresholdVerdict;

export type ThresholdOptions = Readonly<
  Partial<Record<Percentile | "errors" | "min-rate", string | undefined>>
>;

/**
 * Parses the thresholds among the options.
 *
 * @throws {UsageWrong} a threshold is not understood
 */
export function parseThresholds(options: ThresholdOptions): Threshold[] {
  const thresholds: Threshold[] = [];
  for (const name of ["p50", "p90", "p95", "p99", "p999"] as const) {
    const text = options[name];
    if (text !== undefined) thresholds.push(latencyThreshold(name, text));
  }
  if (options.errors !== undefined) thresholds.push(errorThreshold(options.errors));
  if (options["min-rate"] !== undefined) thresholds.push(rateThreshold(options["min-rate"]));
  return thresholds;
}

function latencyThreshold(name: Percentile, text: string): Threshold {
  const mostMs = parseDurationMs(name, text, { least: 0.001, most: latencyMsMax });
  return ({ latency }) => {
    const ms = latency[percentiles[name]];
    const missedMs = ms === null ? null : ms - mostMs;
    return {
      threshold: `${name} at most ${durationText(mostMs)}`,
      measured: ms === null ? "nothing succeeded" : latencyText(ms),
      holds: missedMs !== null && missedMs <= 0,
      missedBy: missedMs === null || missedMs <= 0 ? null : `${latencyText(missedMs)} too slow`,
    };
  };
}

function errorThreshold(text: string): Threshold {
  const [, number, percent] = /^(\d{1,9}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  const most = Number(number) / (percent === "%" ? 100 : 1);
  if (Number.isNaN(most) || (percent === "%" ? most > 1 : !Number.isInteger(most))) {
    throw new UsageWrong("--errors takes a number of requests, such as 0, or a share of them, such as 0.1%.");
  }
  return ({ requests, errors }) => {
    const share = requests === 0 ? 0 : errors / requests;
    const allowed = percent === "%" ? most * requests : most;
    const more = errors - Math.floor(allowed);
    return {
      threshold: `errors at most ${percent === "%" ? `${number} %` : countText(most)}`,
      measured: `${countText(errors)} (${shareText(share)})`,
      holds: errors <= allowed,
      missedBy: errors <= allowed ? null : `${countText(more)} too many`,
    };
  };
}

function rateThreshold(text: string): Threshold {
  const least = /^\d{1,7}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(least)) throw new UsageWrong("--min-rate takes answers per second, such as 480.");
  return ({ achievedRate }) => ({
    threshold: `answers at least ${rateText(least)}/s`,
    measured: `${rateText(achievedRate)}/s`,
    holds: achievedRate >= least,
    missedBy: achievedRate >= least ? null : `${rateText(least - achievedRate)}/s too few`,
  });
}
