import type { Arrivals } from "./arrivals.ts";
import type { Connections } from "./connections.ts";
import { createPacemaker } from "./pacemaker.ts";
import type { Recorder } from "./recorder.ts";
import type { SignedRequests } from "./signed-requests.ts";
import { judge } from "./verdict.ts";

export interface LoadRunOptions {
  readonly warmUp: { readonly arrivals: Arrivals; readonly durationMs: number };
  readonly measured: { readonly arrivals: Arrivals; readonly durationMs: number };
  readonly requests: SignedRequests;
  readonly connections: Connections;
  readonly recorder: Recorder;
  /** How long a request may wait for a connection, from when it was due. */
  readonly timeoutMs: number;
  /** Ends the test: what is on its way is still waited for. */
  readonly stop: AbortSignal;
}

export interface LoadRun {
  /** Milliseconds from the first measured instant; negative during the warm-up. */
  elapsedMs(): number;
  /** Resolves, when the last request is settled, with how much of the test was measured. */
  readonly ended: Promise<{ readonly measuredMs: number }>;
}

const sweepMs = 20;
/** Waking more often than this would cost more than it tells. */
const beatMs = 0.2;

/**
 * Sends each request when it is due, whatever became of those before: an open loop. The schedule itself is the
 * queue: when every connection is taken, the next request stays in it, becomes late, and is sent as soon as there is
 * room, or is recorded as not sent. None is dropped unseen, and nothing piles up in memory.
 */
export function startLoadRun(options: LoadRunOptions): LoadRun {
  const { warmUp, measured, requests, connections, recorder, timeoutMs, stop } = options;
  const originMs = performance.now() + warmUp.durationMs;
  const elapsedMs = () => performance.now() - originMs;
  const { promise: ended, resolve } = Promise.withResolvers<{ readonly measuredMs: number }>();
  let dueMs = nextDue();
  /** Whether every connection is taken, and until when that was last so: what was due by then has waited for one. */
  let isFull = false;
  let fullUntilMs = Number.NEGATIVE_INFINITY;
  let armedForMs = Number.POSITIVE_INFINITY;
  let measuredMs = measured.durationMs;

  function nextDue(): number | null {
    const warmUpMs = warmUp.arrivals.next();
    return warmUpMs === null ? measured.arrivals.next() : warmUpMs - warmUp.durationMs;
  }

  function send(due: number): void {
    const { endpoint, bytes } = requests.next();
    const sentMs = elapsedMs();
    const hasWaitedForConnection = due <= fullUntilMs;
    connections.send(bytes, (outcome) => {
      if (isFull) fullUntilMs = elapsedMs();
      isFull = false;
      const exchange = { endpoint, dueMs: due, sentMs, doneMs: elapsedMs(), hasWaitedForConnection };
      recorder.record(exchange, judge(endpoint, outcome));
      pump();
      arm();
    });
    isFull = !connections.hasRoom();
  }

  /** Sends what is due. What it takes, it takes off the schedule first, since a send may end at once and call this again. */
  function pump(): void {
    for (let nowMs = elapsedMs(); dueMs !== null && dueMs <= nowMs; nowMs = elapsedMs()) {
      const due = dueMs;
      const isTooLate = nowMs - due > timeoutMs;
      if (!isTooLate && !connections.hasRoom()) return;
      dueMs = nextDue();
      if (isTooLate) recorder.recordNotSent(due, nowMs - due);
      else send(due);
    }
  }

  /** Has the next beat come when the next request is due; while no connection is free, an answer does it. */
  function arm(): void {
    const nowMs = elapsedMs();
    const wantedMs = dueMs === null || !connections.hasRoom() ? nowMs + sweepMs : dueMs;
    const nextMs = Math.max(wantedMs, nowMs + beatMs);
    if (nextMs >= armedForMs) return;
    armedForMs = nextMs;
    pacemaker.beatAt(originMs + nextMs);
  }

  function beat(): void {
    armedForMs = Number.POSITIVE_INFINITY;
    pump();
    arm();
  }

  function sweep(): void {
    connections.giveUpLate();
    pump();
    if (dueMs === null && connections.inFlight() === 0) finish();
  }

  function stopEarly(): void {
    pump();
    const nowMs = elapsedMs();
    for (; dueMs !== null && dueMs <= nowMs; dueMs = nextDue()) recorder.recordNotSent(dueMs, nowMs - dueMs);
    dueMs = null;
    measuredMs = Math.max(0, Math.min(measuredMs, nowMs));
  }

  function finish(): void {
    clearInterval(sweeper);
    pacemaker.close();
    stop.removeEventListener("abort", stopEarly);
    resolve({ measuredMs });
  }

  const pacemaker = createPacemaker({ beat, isIdle: () => connections.inFlight() === 0 });
  const sweeper = setInterval(sweep, sweepMs);
  stop.addEventListener("abort", stopEarly);
  if (stop.aborted) stopEarly();
  beat();
  return { elapsedMs, ended };
}
