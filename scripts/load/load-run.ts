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
  /** How long after it was due a request may wait for a connection. */
  readonly timeoutMs: number;
  /** Ends the test early. Requests in flight are still waited for. */
  readonly stop: AbortSignal;
}

export interface LoadRun {
  /** Milliseconds from the first measured instant; negative during the warm-up. */
  elapsedMs(): number;
  /** Resolves when the last request is settled, and says how much of the test was measured. */
  readonly ended: Promise<{ readonly measuredMs: number }>;
}

const sweepMs = 20;
/** Waking up more often would cost CPU time and gain no precision. */
const beatMs = 0.2;

/**
 * Sends each request when it is due, regardless of the outcome of earlier ones (an open loop). The schedule itself is
 * the queue: if every connection is in use, the next request stays in the schedule and becomes late. It is sent as soon
 * as a connection is free, or recorded as not sent. No request is lost from the result, and nothing accumulates in
 * memory.
 */
export function startLoadRun(options: LoadRunOptions): LoadRun {
  const { warmUp, measured, requests, connections, recorder, timeoutMs, stop } = options;
  const originMs = performance.now() + warmUp.durationMs;
  const elapsedMs = () => performance.now() - originMs;
  const { promise: ended, resolve } = Promise.withResolvers<{ readonly measuredMs: number }>();
  let dueMs = nextDue();
  /**
   * Whether every connection is in use, and when that last ended. A request that was due by then has waited for a
   * connection.
   */
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

  /**
   * Sends the requests that are due. Each is removed from the schedule before it is sent, since a send may settle at
   * once and call this function again.
   */
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

  /**
   * Schedules the next beat for when the next request is due. While no connection is free, the next answer calls `pump`
   * instead.
   */
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
