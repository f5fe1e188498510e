import type { Socket } from "bun";
import { codeOf } from "../../src/error-code.ts";
import { type Answer, createResponseReader, ResponseMalformed } from "./response-reader.ts";

/** The reason why a request got no answer, as the table of errors shows it. */
export interface NoAnswer {
  readonly reason: string;
}

/** The reason of a request that took longer than `timeoutMs`. */
export const timedOut = "timed out";

export interface ConnectionsOptions {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** Maximum number of requests in flight. Each has its own connection. */
  readonly connectionsMax: number;
  /** How long an answer may take after the request was sent. */
  readonly timeoutMs: number;
}

export interface Connections {
  inFlight(): number;
  hasRoom(): boolean;
  /**
   * Sends a request on an idle connection, or on a new one, and calls `settle` exactly once. A request is never sent
   * twice.
   */
  send(request: Buffer, settle: (outcome: Answer | NoAnswer) => void): void;
  /** Gives up requests that have waited for longer than `timeoutMs`. */
  giveUpLate(): void;
  close(): void;
}

interface Exchange {
  readonly settle: (outcome: Answer | NoAnswer) => void;
  readonly connection: Connection;
  readonly deadlineMs: number;
}

interface Connection {
  socket: Socket | null;
  exchange: Exchange | null;
  /** Bytes that the socket has not accepted yet. */
  unsent: Buffer;
  idleSinceMs: number;
  isClosed: boolean;
}

/**
 * Servers close connections that were idle for 5 s or longer, so a connection that has been idle for almost that long
 * is not reused.
 */
const idleMsMax = 4000;
const nothing = Buffer.alloc(0);

/**
 * Creates connections that carry one request at a time. They are kept alive, and opened when they are needed. The most
 * recently used one is reused first, so that no more stay open than the load needs.
 *
 * It uses sockets because `fetch` was measured to take twice the CPU time for each request and 80 µs more at the
 * median, and the load generator's own time is part of the latencies that it reports.
 */
export function createConnections(options: ConnectionsOptions): Connections {
  const { address, port, connectionsMax, timeoutMs } = options;
  const idle: Connection[] = [];
  /** In the order of their deadlines, since all have the same timeout. */
  const exchanges = new Set<Exchange>();

  function settle(connection: Connection, outcome: Answer | NoAnswer): void {
    const { exchange } = connection;
    if (exchange === null) return;
    connection.exchange = null;
    exchanges.delete(exchange);
    exchange.settle(outcome);
  }

  // `drop` and `answer` settle the request before they close the socket, because closing it calls `end` and `drop`
  // again.
  function drop(connection: Connection, reason: string): void {
    if (connection.isClosed) return;
    connection.isClosed = true;
    const index = idle.indexOf(connection);
    if (index !== -1) idle.splice(index, 1);
    settle(connection, { reason });
    connection.socket?.terminate();
  }

  function answer(connection: Connection, found: Answer): void {
    if (found.isKeptAlive && connection.unsent.length === 0) {
      connection.idleSinceMs = performance.now();
      idle.push(connection);
      settle(connection, found);
      return;
    }
    connection.isClosed = true;
    settle(connection, found);
    connection.socket?.end();
  }

  function takeIdle(): Connection | null {
    const connection = idle.pop() ?? null;
    if (connection === null || performance.now() - connection.idleSinceMs < idleMsMax) return connection;
    // The remaining idle connections have been idle for even longer.
    for (const old of [connection, ...idle.splice(0)]) {
      old.isClosed = true;
      old.socket?.end();
    }
    return null;
  }

  function open(): Connection {
    const connection: Connection = {
      socket: null,
      exchange: null,
      unsent: nothing,
      idleSinceMs: 0,
      isClosed: false,
    };
    const reader = createResponseReader();

    function read(piece: Buffer): void {
      if (connection.isClosed) return;
      try {
        if (connection.exchange === null) throw new ResponseMalformed("nothing was asked");
        const found = reader.read(piece);
        if (found !== null) answer(connection, found);
      } catch (error) {
        if (!(error instanceof ResponseMalformed)) throw error;
        drop(connection, `no HTTP response: ${error.message}`);
      }
    }

    function end(): void {
      const found = connection.isClosed ? null : reader.end();
      if (found !== null) answer(connection, found);
      drop(connection, "connection closed before the answer");
    }

    Bun.connect({
      hostname: address,
      port,
      socket: {
        open(socket) {
          connection.socket = socket;
          if (connection.isClosed) socket.terminate();
          else flush(connection);
        },
        data: (_, piece) => read(piece),
        drain: () => flush(connection),
        end,
        close: end,
        error: (_, error) => drop(connection, reasonOf(error)),
        connectError: (_, error) => drop(connection, reasonOf(error)),
      },
    }).catch((error) => drop(connection, reasonOf(error)));
    return connection;
  }

  return {
    inFlight: () => exchanges.size,
    hasRoom: () => exchanges.size < connectionsMax,

    send(request, settle) {
      const connection = takeIdle() ?? open();
      const exchange = { settle, connection, deadlineMs: performance.now() + timeoutMs };
      connection.exchange = exchange;
      connection.unsent = request;
      exchanges.add(exchange);
      flush(connection);
    },

    giveUpLate() {
      const nowMs = performance.now();
      for (const { connection, deadlineMs } of exchanges) {
        if (deadlineMs > nowMs) return;
        drop(connection, timedOut);
      }
    },

    close() {
      for (const { connection } of exchanges) drop(connection, "ended");
      for (const connection of idle.splice(0)) connection.socket?.end();
    },
  };
}

function flush(connection: Connection): void {
  const { socket, unsent } = connection;
  if (socket === null || unsent.length === 0) return;
  const written = socket.write(unsent);
  connection.unsent = written >= unsent.length ? nothing : unsent.subarray(Math.max(0, written));
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed before the answer",
  EPIPE: "connection closed before the answer",
  ETIMEDOUT: "connection timed out",
};

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return (
    reasons[code] ?? (/^E[A-Z0-9_]{2,30}$/.test(code) ? `connection failed: ${code}` : "connection failed")
  );
}
