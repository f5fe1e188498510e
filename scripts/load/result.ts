import type { Environment } from "./environment.ts";
import {
  type LatencySummary,
  type PercentilePoint,
  percentileCurve,
  percentileMs,
  summariseLatencies,
} from "./latencies.ts";
import type { Plan, Profile } from "./plan.ts";
import type { Recorder } from "./recorder.ts";
import { type Endpoint, endpoints } from "./signed-requests.ts";
import type { ThresholdVerdict } from "./thresholds.ts";
import type { TimelinePoint } from "./timeline.ts";

/** One line of the table of latencies. */
export interface EndpointResult extends LatencySummary {
  readonly requests: number;
  readonly errors: number;
}

/** Everything that was measured: what `--json` prints and what the report shows. No login id, no body, no secret. */
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
  readonly endpoints: Readonly<Partial<Record<Endpoint, EndpointResult>>>;
  /** From the send, not from when it was due: what a closed loop would have reported. */
  readonly serviceTime: LatencySummary;
  readonly sends: SendResult;
  readonly errors: readonly { readonly error: string; readonly requests: number; readonly share: number }[];
  readonly thresholds: readonly ThresholdVerdict[];
  /** Latencies in the first and in the last tenth of the time, to be compared after a soak. */
  readonly drift: { readonly first: LatencySummary; readonly last: LatencySummary };
  readonly timeline: readonly TimelinePoint[];
  readonly curves: Readonly<Partial<Record<Endpoint | "all", readonly PercentilePoint[]>>>;
  readonly environment: Environment;
}

export interface SendResult {
  readonly sent: number;
  readonly notSent: number;
  /** How late the generator itself was. */
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

/** The generator's own delay is part of every latency: this much of a p99 may be due to it, or a millisecond. */
const latenessShareMax = 0.1;
const latenessMsAllowed = 1;

/** Makes the result of what was recorded. */
export function makeResult(options: ResultOptions): LoadResult {
  const { plan, target, startedAt, measuredMs, recorder, environment } = options;
  const { sends } = recorder;
  const all = {
    requests: sends.due,
    errors: [...recorder.errors.values()].reduce((sum, count) => sum + count, 0),
    ...summariseLatencies(recorder.allLatencies()),
  };
  // Sends that were late count as slower; the last answer's own time does not.
  const seconds = measuredMs / 1000;
  const achieved = seconds === 0 ? 0 : sends.answered / Math.max(seconds, sends.lastSentMs / 1000);
  const measured = { latency: all, requests: all.requests, errors: all.errors, achievedRate: achieved };
  const thresholds = plan.thresholds.map((threshold) => threshold(measured));
  const isInterrupted = measuredMs < plan.durationMs;
  const used = endpoints.filter((endpoint) => plan.mix[endpoint] > 0);
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
    serviceTime: summariseLatencies(recorder.serviceTimes),
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
    first: summariseLatencies(timeline.between(0, measuredMs / 10)),
    last: summariseLatencies(timeline.between(measuredMs * 0.9, measuredMs)),
  };
}

/** One for all, and one for each endpoint if there are several. */
function curvesOf(recorder: Recorder, used: readonly Endpoint[]): LoadResult["curves"] {
  const several = used.length > 1 ? used : [];
  return {
    all: percentileCurve(recorder.allLatencies()),
    ...Object.fromEntries(
      several.map((endpoint) => [endpoint, percentileCurve(recorder.latencies[endpoint])]),
    ),
  };
}

function endpointResult(recorder: Recorder, endpoint: Endpoint): EndpointResult {
  return { ...recorder.counts[endpoint], ...summariseLatencies(recorder.latencies[endpoint]) };
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
