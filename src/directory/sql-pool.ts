import type { SQL } from "bun";
import { Overloaded } from "../errors.ts";

/** The client's deadline passed without an answer. The statement may still reach the server and run there. */
export class StatementTimedOut extends Error {}

/** The address leads to another place than the one the connections were made to. They have been replaced. */
export class PlaceChanged extends Error {
  /** Whether the statement has run at the previous place. */
  readonly wasRun: boolean;

  constructor(wasRun: boolean) {
    super();
    this.wasRun = wasRun;
  }
}

export interface SqlStatement {
  readonly text: string;
  readonly parameters: readonly unknown[];
  /**
   * Whether the statement writes. Its result must last, so the address must still lead to the same place when it is
   * done.
   */
  readonly isWrite: boolean;
}

export interface SqlPool {
  /**
   * Runs one statement, and gives up `limitMs` after it was sent, which is at the end of this turn of the event loop,
   * together with all others of the turn.
   *
   * @throws {Overloaded} too many statements wait already; nothing was sent
   * @throws {StatementTimedOut} after `limitMs`
   * @throws {PlaceChanged}
   * @throws the driver's own error; a dialect says what it means
   */
  run(statement: SqlStatement, limitMs: number): Promise<SqlResult>;
  /** Replaces every connection. Statements in flight keep theirs until they end. */
  reconnect(): void;
  /** Finishes the statements in flight. */
  close(): Promise<void>;
}

export interface SqlResult extends ReadonlyArray<unknown> {
  /** The number of rows that the statement returned or changed. */
  readonly count: number;
}

export interface SqlPoolOptions {
  /** Returns a function that tells whether the address still leads to the same place as now. */
  readonly watchPlace: () => () => boolean;
  readonly connect: () => SQL;
  /** Maximum number of statements that may be in flight or wait for a connection. */
  readonly waitingMax: number;
  /** How long statements in flight may take when the connections are closed, in seconds. */
  readonly closeSeconds: number;
}

/** The connections that were made to one place. */
interface Connections {
  readonly isSamePlace: () => boolean;
  readonly sql: SQL;
}

/**
 * Creates a pool with two things that Bun.SQL lacks: a deadline for every statement, and an end for dead connections.
 * A connection whose peer has vanished silently would wait forever and keep its place in the pool. The pool is
 * therefore replaced when one of its statements has timed out.
 */
export function createSqlPool(options: SqlPoolOptions): SqlPool {
  const { watchPlace, connect, waitingMax, closeSeconds } = options;
  let current = open();
  let waiting = 0;

  /** The place is recorded before the connections are made, so that a change in between is noticed later. */
  function open(): Connections {
    return { isSamePlace: watchPlace(), sql: connect() };
  }

  /** Does nothing if these connections have been replaced already. */
  function replace(used: Connections): void {
    if (current !== used) return;
    current = open();
    used.sql.close({ timeout: closeSeconds }).catch(() => {});
  }

  async function runOn(
    used: Connections,
    { text, parameters }: SqlStatement,
    limitMs: number,
  ): Promise<SqlResult> {
    // The query starts here. One that only waits to be awaited would be lost if the pool closed first.
    const query = used.sql.unsafe(text, [...parameters]).execute();
    try {
      return await within(limitMs, query);
    } catch (error) {
      if (error instanceof StatementTimedOut) {
        query.cancel();
        replace(used);
      }
      throw error;
    }
  }

  function ensurePlace(used: Connections, wasRun: boolean): void {
    if (used.isSamePlace()) return;
    replace(used);
    throw new PlaceChanged(wasRun);
  }

  return {
    async run(statement, limitMs) {
      if (waiting >= waitingMax) throw new Overloaded();
      waiting += 1;
      try {
        await endOfTurn();
        const used = current;
        ensurePlace(used, false);
        const result = await runOn(used, statement, limitMs);
        if (statement.isWrite) ensurePlace(used, true);
        return result;
      } finally {
        waiting -= 1;
      }
    },

    reconnect: () => replace(current),

    async close() {
      // Whatever was issued in this turn goes first.
      await endOfTurn();
      await current.sql.close({ timeout: closeSeconds });
    },
  };
}

let turnEnd: Promise<void> | null = null;

/**
 * Resolves at the same moment for all callers of one turn of the event loop. Bun.SQL writes to a connection once for
 * everything that is sent at one moment. One write for each statement would be a fifth of the cost of a session.
 */
function endOfTurn(): Promise<void> {
  turnEnd ??= new Promise((resolve) =>
    setImmediate(() => {
      turnEnd = null;
      resolve();
    }),
  );
  return turnEnd;
}

/** Settles like the query, or fails when its time is over. A race of two promises would cost more. */
function within<Result>(limitMs: number, query: Promise<Result>): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const timer = setTimeout(() => reject(new StatementTimedOut()), limitMs);
  query.then(resolve, reject).then(() => clearTimeout(timer));
  return promise;
}
