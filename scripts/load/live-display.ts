import { type Progress, type Snapshot, startProgress } from "../progress.ts";
import { countText, durationText, latencyText, rateText } from "../quantities.ts";
import type { Connections } from "./connections.ts";
import { percentileMs } from "./latencies.ts";
import type { LoadRun } from "./load-run.ts";
import type { Plan } from "./plan.ts";
import type { Recorder, Window } from "./recorder.ts";

export interface LiveDisplayOptions {
  readonly plan: Plan;
  readonly url: string;
  readonly run: LoadRun;
  readonly recorder: Recorder;
  readonly connections: Connections;
}

/** One second of the test as it is displayed. */
interface Second {
  readonly rate: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly errors: number;
}

const everyMs = 1000;
const historySeconds = 60;
const errorLines = 5;
const barColumns = 30;
const blocks = "▁▂▃▄▅▆▇█";

/** Shows the progress of the test once a second. */
export function showLive({ plan, url, run, recorder, connections }: LiveDisplayOptions): Progress {
  const history: Second[] = [];
  let shownAtMs = run.elapsedMs();

  function look(): Second {
    const nowMs = run.elapsedMs();
    const second = secondOf(recorder.takeWindow(), (nowMs - shownAtMs) / 1000);
    shownAtMs = nowMs;
    history.push(second);
    if (history.length > historySeconds) history.shift();
    return second;
  }

  function intendedRate(): number {
    const share = Math.min(1, Math.max(0, run.elapsedMs() / plan.durationMs));
    return plan.rate.from + (plan.rate.to - plan.rate.from) * share;
  }

  function screen(second: Second): string[] {
    const errors = [...recorder.errors].toSorted(([, one], [, other]) => other - one);
    const count = errors.reduce((sum, [, requests]) => sum + requests, 0);
    return [
      `Load test of ${url}`,
      progressLine(run.elapsedMs(), plan.durationMs),
      "",
      `  rate       ${pad(`${rateText(second.rate)}/s`)}intended ${rateText(intendedRate())}/s`,
      `  latency    ${pad(`p50 ${latencyText(second.p50Ms)}`)}${pad(`p95 ${latencyText(second.p95Ms)}`)}p99 ${latencyText(second.p99Ms)}`,
      `  in flight  ${pad(`${countText(connections.inFlight())} of ${countText(plan.connectionsMax)}`)}` +
        `${countText(recorder.sends.waited)} have waited for a connection`,
      `  errors     ${pad(countText(count))}${count === 0 ? "" : `${countText(second.errors)} in the last second`}`,
      ...errors
        .slice(0, errorLines)
        .map(([error, requests]) => `             ${pad(countText(requests))}${error}`),
      "",
      sparkLine(
        "rate",
        history.map(({ rate }) => rate),
        (most) => `${rateText(most)}/s`,
      ),
      sparkLine(
        "p99",
        history.map(({ p99Ms }) => p99Ms ?? 0),
        latencyText,
      ),
    ];
  }

  function facts({ rate, ...measured }: Second): Snapshot["facts"] {
    const atSecond = Math.round(run.elapsedMs() / 1000);
    return {
      step: atSecond <= 0 ? "warm-up" : "load",
      second: atSecond,
      of: plan.durationMs / 1000,
      rate: Math.round(rate),
      intended: Math.round(intendedRate()),
      ...measured,
      inFlight: connections.inFlight(),
    };
  }

  return startProgress(() => {
    const second = look();
    return { lines: screen(second), facts: facts(second) };
  }, everyMs);
}

function secondOf({ answered, errors, latencies }: Window, seconds: number): Second {
  const at = (percentile: number) =>
    latencies.totalCount === 0 ? null : percentileMs(latencies, percentile);
  return { rate: answered / seconds, p50Ms: at(50), p95Ms: at(95), p99Ms: at(99), errors };
}

function progressLine(elapsedMs: number, durationMs: number): string {
  if (elapsedMs < 0) return `warming up, ${Math.ceil(-elapsedMs / 1000)} s left, nothing is counted yet`;
  const share = Math.min(1, elapsedMs / durationMs);
  const full = Math.round(share * barColumns);
  const seconds = Math.min(Math.round(elapsedMs / 1000), Math.round(durationMs / 1000));
  const bar = "█".repeat(full) + "░".repeat(barColumns - full);
  return share < 1
    ? `${bar}  ${seconds} s of ${durationText(durationMs)}`
    : `${bar}  waiting for the last answers`;
}

/** Draws the last minute, scaled from 0 to its highest value. */
function sparkLine(name: string, values: readonly number[], text: (value: number) => string): string {
  const most = Math.max(...values);
  const heights = values.map((value) =>
    most === 0 ? 0 : Math.min(blocks.length - 1, Math.floor((value / most) * blocks.length)),
  );
  const line = heights.map((height) => blocks[height]).join("");
  return `  ${name.padEnd(10)} ${line}${most === 0 ? "" : `  at most ${text(most)}`}`;
}

function pad(text: string): string {
  return text.padEnd(16);
}
