import type { LatencyMs } from "./wrk.ts";

export interface FixedRateLoad {
  readonly port: number;
  /** Each is sent once, in order: they and the rate say how long the load lasts. */
  readonly requests: readonly string[];
  /** `Infinity`: each as soon as a connection is free. */
  readonly perSecond: number;
  readonly connections: number;
  readonly status: number;
}

export interface FixedRateReport {
  /** Answers of the expected status. */
  readonly answeredPerSecond: number;
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
  const { perSecond } = load;
  const requests = joined(load.requests);
  const latenciesMs = new Float64Array(requests.count);
  let answered = 0;
  const settle = (lane: Lane, status: number) => {
    if (status === load.status) latenciesMs[answered++] = performance.now() - lane.dueMs;
    idle.push(lane);
  };
  const lanes = await Promise.all(
    Array.from({ length: load.connections }, () => openLane(load.port, settle)),
  );
  const idle = [...lanes];

  const startMs = performance.now();
  const dueMs = (number: number) => startMs + (number / perSecond) * 1000;
  const endMs = dueMs(requests.count) + drainMs;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let next = 0;
  function turn(): void {
    const nowMs = performance.now();
    while (next < requests.count && dueMs(next) <= nowMs) {
      const lane = idle.pop();
      if (lane === undefined) break;
      lane.dueMs = dueMs(next);
      lane.send(requests.bytes, requests.start(next), requests.length(next));
      next += 1;
    }
    const isOver = next === requests.count && idle.length === lanes.length;
    if (isOver || nowMs > endMs) end();
    else setImmediate(turn);
  }
  turn();
  await ended;
  const seconds = (performance.now() - startMs) / 1000;
  for (const lane of lanes) lane.close();
  return {
    answeredPerSecond: answered / seconds,
    latencyMs: percentilesOf(latenciesMs.subarray(0, answered)),
    failures: requests.count - answered,
  };
}

/** In one piece of memory: a hundred thousand texts would be looked at in every garbage collection. */
function joined(requests: readonly string[]) {
  const bytes = Buffer.from(requests.join(""));
  const ends = new Uint32Array(requests.length + 1);
  for (const [number, request] of requests.entries()) {
    ends[number + 1] = (ends[number] ?? 0) + Buffer.byteLength(request);
  }
  const start = (number: number) => ends[number] ?? 0;
  return {
    count: requests.length,
    bytes,
    start,
    length: (number: number) => start(number + 1) - start(number),
  };
}

/** A connection with at most one request under way. */
interface Lane {
  /** When its last request was due. */
  dueMs: number;
  send(bytes: Buffer, start: number, length: number): void;
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
    send: (bytes, start, length) => void socket.write(bytes, start, length),
    close: () => socket.terminate(),
  };
  return lane;
}

const headEnd = Buffer.from("\r\n\r\n");

/** Takes what arrives, and answers an answer's status with its last byte; `null` while more is to come. */
export function createAnswerReader(): (chunk: Buffer) => number | null {
  let earlier: Buffer | null = null;
  return (chunk) => {
    const received = earlier === null ? chunk : Buffer.concat([earlier, chunk]);
    const headBytes = received.indexOf(headEnd);
    const head = received.toString("latin1", 0, Math.max(0, headBytes));
    const bodyBytes = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const isWhole = headBytes !== -1 && received.length >= headBytes + headEnd.length + bodyBytes;
    earlier = isWhole ? null : Buffer.from(received);
    return isWhole ? Number(head.slice(9, 12)) : null;
  };
}

function percentilesOf(values: Float64Array): LatencyMs {
  const sorted = values.toSorted();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
