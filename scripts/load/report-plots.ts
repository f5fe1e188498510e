import { latencyText, rateText } from "../quantities.ts";
import { latencyAxis, percentileAxis, percentText, rateAxis, timeAxis, timeText } from "./axes.ts";
import { type LinePlot, linePlot, type Series } from "./line-plot.ts";
import type { LoadResult } from "./result.ts";
import type { TimelinePoint } from "./timeline.ts";

/** Plots latency over time. Returns a sentence instead if nothing was answered. */
export function latencyOverTime({ timeline, seconds, all }: LoadResult): string {
  const known = timeline.flatMap(({ p50Ms, p99Ms }) =>
    p50Ms === null || p99Ms === null ? [] : [p50Ms, p99Ms],
  );
  if (known.length === 0) return "<p>No request succeeded, so there is no latency to show.</p>";
  const lines = [
    { name: "p99", look: "third", of: (point: TimelinePoint) => point.p99Ms },
    { name: "p95", look: "second", of: (point: TimelinePoint) => point.p95Ms },
    { name: "p50", look: "first", of: (point: TimelinePoint) => point.p50Ms },
  ] as const;
  return linePlot({
    id: "latency",
    title: "Latency over time",
    description:
      `The 50th, 95th and 99th percentile of the latency through ${timeText(Math.round(seconds))}. ` +
      `Over the whole time they are ${latencyText(all.p50Ms)}, ${latencyText(all.p95Ms)} and ${latencyText(all.p99Ms)}. ` +
      "The table below has all values.",
    x: timeAxis(seconds),
    y: latencyAxis(Math.min(...known), Math.max(...known)),
    series: lines.map(({ name, look, of }) => ({
      name,
      look,
      points: timeline.map((point) => ({ x: middleOf(point), y: of(point) })),
    })),
    hints: hintsOf(
      timeline,
      ({ p50Ms, p95Ms, p99Ms }) =>
        `p50 ${latencyText(p50Ms)}, p95 ${latencyText(p95Ms)}, p99 ${latencyText(p99Ms)}`,
    ),
  });
}

/** Plots the intended rate and the rate of answers. */
export function rateOverTime({ timeline, seconds, rate, all }: LoadResult): string {
  const failedRate = ({ errors, seconds: width }: TimelinePoint) => errors / width;
  const over = (of: (point: TimelinePoint) => number) =>
    timeline.map((point) => ({ x: middleOf(point), y: of(point) }));
  const series: Series[] = [
    { name: "intended", look: "planned", points: over((point) => point.intendedRate) },
    { name: "answered", look: "first", points: over((point) => point.achievedRate) },
  ];
  if (all.errors > 0) series.push({ name: "failed", look: "failed", points: over(failedRate) });
  const most = Math.max(...timeline.flatMap((point) => [point.intendedRate, point.achievedRate]));
  return linePlot({
    id: "rate",
    title: "Rate over time",
    description:
      `Requests that were due and requests that were answered, per second: ${rateText(rate.intended)} and ` +
      `${rateText(rate.achieved)} over the whole time. The table below has all values.`,
    x: timeAxis(seconds),
    y: rateAxis(most),
    series,
    hints: hintsOf(
      timeline,
      (point) =>
        `intended ${rateText(point.intendedRate)}/s, answered ${rateText(point.achievedRate)}/s, failed ${rateText(failedRate(point))}/s`,
    ),
  });
}

/** Plots latency by percentile, on a scale that shows the slowest requests. */
export function percentileCurves({ curves }: LoadResult): string {
  const looks = { all: "first", get: "second", session: "third", set: "fourth" } as const;
  const known = (["all", "get", "session", "set"] as const).flatMap((name) => {
    const points = curves[name] ?? [];
    return points.length === 0 ? [] : [{ name, points }];
  });
  const [all] = known;
  if (all === undefined) return "<p>No request succeeded, so there are no percentiles to show.</p>";
  const values = known.flatMap(({ points }) => points.map(({ ms }) => ms));
  const shares = known.flatMap(({ points }) => points.map(({ share }) => share));
  const hints = all.points.map(({ share, ms }, index) => ({
    from: share,
    to: all.points[index + 1]?.share ?? share,
    text: `${percentText(Number(share.toFixed(6)))} % took at most ${latencyText(ms)}`,
  }));
  return linePlot({
    id: "percentiles",
    title: "Latency by percentile",
    description:
      "For each share of the requests, how long they took at most. The table of results has the main ones.",
    x: percentileAxis(Math.max(...shares)),
    y: latencyAxis(Math.min(...values), Math.max(...values)),
    series: known.map(({ name, points }) => ({
      name,
      look: looks[name],
      points: points.map(({ share, ms }) => ({ x: share, y: ms })),
    })),
    hints,
  });
}

function hintsOf(
  timeline: LoadResult["timeline"],
  text: (point: TimelinePoint) => string,
): LinePlot["hints"] {
  return timeline.map((point) => ({
    from: point.fromSecond,
    to: point.fromSecond + point.seconds,
    text: `${timeText(point.fromSecond)}: ${text(point)}`,
  }));
}

function middleOf({ fromSecond, seconds }: TimelinePoint): number {
  return fromSecond + seconds / 2;
}
