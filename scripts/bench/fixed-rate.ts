import type { LatencyMs } from "./wrk.ts";

export interface FixedRateLoad {
  readonly port: number;
  /** Each is sent once, in order: they and the rate say how long the load lasts. */
  readonly requests: readonly string[];
  readonly perSecond: number;
  readonly connections: number;
  readonly status: number;
}

export interface FixedRateReport {
  /** From the instant at which a request was due, whether or not it could be sent then. */
  readonly latencyMs: LatencyMs;
  /** Requests without an answer of the expected status. */
  readonly failures: number;
}

/** How long after the last request was due its answer is waited for. */
const drainMs = 8000;

/**
 * Sends requests at a fixed rate, whatever the answers do: one that is due while every connection is busy waits for
 * the first that is free, and that wait counts. This thread spins until the next is due, since timers round to
 * whole milliseconds: it keeps a core busy.
 */
export async function runFixedRate(load: FixedRateLoad): Promise<FixedRateReport> {
  const { requests, perSecond } = load;
  const idle: Lane[] = [];
  const latenciesMs: number[] = [];
  const lanes = await Promise.all(
    Array.from({ length: load.connections }, () => openLane(load.port, settle)),
  );
  idle.push(...lanes);

  function settle(lane: Lane, status: number): void {
    if (status === load.status) latenciesMs.push(performance.now() - lane.dueMs);
    idle.push(lane);
  }

  const startMs = performance.now();
  const dueMs = (number: number) => startMs + (number / perSecond) * 1000;
  const endMs = dueMs(requests.length) + drainMs;
  for (let next = 0; performance.now() < endMs; await nextTurn()) {
    while (next < requests.length && dueMs(next) <= performance.now()) {
      const lane = idle.pop();
      if (lane === undefined) break;
      lane.dueMs = dueMs(next);
      lane.send(requests[next] ?? "");
      next += 1;
    }
    if (next === requests.length && idle.length === lanes.length) break;
  }
  for (const lane of lanes) lane.close();
  return { latencyMs: percentilesOf(latenciesMs), failures: requests.length - latenciesMs.length };
}

/** A connection with at most one request under way. */
interface Lane {
  /** When its last request was due. */
  dueMs: number;
  send(request: string): void;
  close(): void;
}

async function openLane(port: number, settle: (lane: Lane, status: number) => void): Promise<Lane> {
  const read = createAnswerReader();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, chunk) {
        const status = read(chunk);
        if (status !== null) settle(lane, status);
      },
    },
  });
  const lane: Lane = {
    dueMs: 0,
    send: (request) => void socket.write(request),
    close: () => socket.terminate(),
  };
  return lane;
}

/** Takes what arrives, and answers an answer's status with its last byte; `null` while more is to come. */
export function createAnswerReader(): (chunk: Uint8Array) => number | null {
  let received = "";
  return (chunk) => {
    received += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    const headEnd = received.indexOf("\r\n\r\n");
    if (headEnd === -1) return null;
    const head = received.slice(0, headEnd);
    const bodyBytes = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (received.length < headEnd + 4 + bodyBytes) return null;
    received = "";
    return Number(head.slice(9, 12));
  };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function percentilesOf(values: readonly number[]): LatencyMs {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
