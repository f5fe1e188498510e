import { type Action, actions } from "../client/endpoints.ts";
import type { Environment } from "./environment.ts";
import {
  type LatencySummary,
  type PercentilePoint,
  percentileCurve,
  percentileMs,
  summarizeLatencies,
} from "./latencies.ts";
import type { Plan, Profile } from "./plan.ts";
import type { Recorder } from "./recorder.ts";
import type { ThresholdVerdict } from "./thresholds.ts";
import type { TimelinePoint } from "./timeline.ts";

/** One row of the table of latencies. */
export interface EndpointResult extends LatencySummary {
  readonly requests: number;
  readonly errors: number;
}

/**
 * Everything that was measured: `--json` prints it, and the report shows it. It contains no login id, no body and no
 * secret.
 */
export interface LoadResult {
  readonly holds: boolean;
  readonly target: string;
  readonly startedAt: string;
  readonly profile: Profile;
  readonly arrivals: Plan["spacing"];
  readonly mix: Plan["mix"];
  readonly loginIds: number;
  readonly connectionsMax: number;
  readonly seconds: number;
  readonly plannedSeconds: number;
  readonly isInterrupted: boolean;
  readonly plannedRate: Plan["rate"];
  readonly rate: { readonly intended: number; readonly achieved: number };
  readonly all: EndpointResult;
  readonly endpoints: Readonly<Partial<Record<Action, EndpointResult>>>;
  /** Measured from the send and not from when the request was due, as a closed loop would report it. */
  readonly serviceTime: LatencySummary;
  readonly sends: SendResult;
  readonly errors: readonly { readonly error: string; readonly requests: number; readonly share: number }[];
  readonly thresholds: readonly ThresholdVerdict[];
  /** Latencies in the first and in the last tenth of the test, to be compared after a soak. */
  readonly drift: { readonly first: LatencySummary; readonly last: LatencySummary };
  readonly timeline: readonly TimelinePoint[];
  readonly curves: Readonly<Partial<Record<Action | "all", readonly PercentilePoint[]>>>;
  readonly environment: Environment;
}

export interface SendResult {
  readonly sent: number;
  readonly notSent: number;
  /** How late the load generator itself was. */
  readonly latenessP50Ms: number | null;
  readonly latenessP99Ms: number | null;
  readonly latenessMaxMs: number | null;
  readonly waitedForConnection: number;
  readonly longestWaitMs: number;
  readonly hasGeneratorKeptUp: boolean;
}

export interface ResultOptions {
  readonly plan: Plan;
  readonly target: string;
  readonly startedAt: Date;
  readonly measuredMs: number;
  readonly recorder: Recorder;
  readonly environment: Environment;
}

/**
 * The load generator's own delay is part of every latency. It may be this share of the p99, or one millisecond if that
 * is more.
 */
const latenessShareMax = 0.1;
const latenessMsAllowed = 1;

/** Computes the result from what was recorded. */
export function makeResult(options: ResultOptions): LoadResult {
  const { plan, target, startedAt, measuredMs, recorder, environment } = options;
  const { sends } = recorder;
  const all = {
    requests: sends.due,
    errors: [...recorder.errors.values()].reduce((sum, count) => sum + count, 0),
    ...summarizeLatencies(recorder.allLatencies()),
  };
  // The rate counts late sends as lost speed. The time that the last answer took is not counted.
  const seconds = measuredMs / 1000;
  const achieved = seconds === 0 ? 0 : sends.answered / Math.max(seconds, sends.lastSentMs / 1000);
  const measured = { latency: all, requests: all.requests, errors: all.errors, achievedRate: achieved };
  const thresholds = plan.thresholds.map((threshold) => threshold(measured));
  const isInterrupted = measuredMs < plan.durationMs;
  const used = actions.filter((endpoint) => plan.mix[endpoint] > 0);
  return {
    holds: !isInterrupted && thresholds.every(({ holds }) => holds),
    target,
    startedAt: startedAt.toISOString(),
    profile: plan.profile,
    arrivals: plan.spacing,
    mix: plan.mix,
    loginIds: plan.loginIds.count,
    connectionsMax: plan.connectionsMax,
    seconds,
    plannedSeconds: plan.durationMs / 1000,
    isInterrupted,
    plannedRate: plan.rate,
    rate: { intended: seconds === 0 ? 0 : sends.due / seconds, achieved },
    all,
    endpoints: Object.fromEntries(used.map((endpoint) => [endpoint, endpointResult(recorder, endpoint)])),
    serviceTime: summarizeLatencies(recorder.serviceTimes),
    sends: sendResult(recorder, all.p99Ms),
    errors: errorsOf(recorder),
    thresholds,
    drift: driftOf(recorder, measuredMs),
    timeline: recorder.timeline.points(measuredMs),
    curves: curvesOf(recorder, used),
    environment,
  };
}

function errorsOf({ errors, sends }: Recorder): LoadResult["errors"] {
  return [...errors]
    .map(([error, requests]) => ({ error, requests, share: requests / sends.due }))
    .toSorted((one, other) => other.requests - one.requests);
}

function driftOf({ timeline }: Recorder, measuredMs: number): LoadResult["drift"] {
  return {
    first: summarizeLatencies(timeline.between(0, measuredMs / 10)),
    last: summarizeLatencies(timeline.between(measuredMs * 0.9, measuredMs)),
  };
}

/** Returns a curve for all requests, and one for each endpoint if there are several. */
function curvesOf(recorder: Recorder, used: readonly Action[]): LoadResult["curves"] {
  const several = used.length > 1 ? used : [];
  return {
    all: percentileCurve(recorder.allLatencies()),
    ...Object.fromEntries(
      several.map((endpoint) => [endpoint, percentileCurve(recorder.latencies[endpoint])]),
    ),
  };
}

function endpointResult(recorder: Recorder, endpoint: Action): EndpointResult {
  return { ...recorder.counts[endpoint], ...summarizeLatencies(recorder.latencies[endpoint]) };
}

function sendResult({ sends, lateness }: Recorder, p99Ms: number | null): SendResult {
  const at = (percentile: number) => (lateness.totalCount === 0 ? null : percentileMs(lateness, percentile));
  const latenessP99Ms = at(99);
  const allowedMs = Math.max(latenessMsAllowed, latenessShareMax * (p99Ms ?? 0));
  return {
    sent: sends.sent,
    notSent: sends.notSent,
    latenessP50Ms: at(50),
    latenessP99Ms,
    latenessMaxMs: at(100),
    waitedForConnection: sends.waited,
    longestWaitMs: sends.longestWaitMs,
    hasGeneratorKeptUp: latenessP99Ms === null || latenessP99Ms <= allowedMs,
  };
}
