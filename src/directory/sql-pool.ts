import type { SQL } from "bun";
import { Overloaded } from "../errors.ts";

/** The client's deadline passed with no answer. The statement may still reach the server and run there. */
export class StatementTimedOut extends Error {}

/** The address leads to something else than what the connections were made to; they have been replaced. */
export class PlaceChanged extends Error {
  /** Whether the statement was run, where the address led before. */
  readonly wasRun: boolean;

  constructor(wasRun: boolean) {
    super();
    this.wasRun = wasRun;
  }
}

export interface SqlStatement {
  readonly text: string;
  readonly parameters: readonly unknown[];
  /** What it writes must last, so that the address must still lead there when it is done. */
  readonly isWrite: boolean;
}

export interface SqlPool {
  /**
   * Runs one statement, or gives up `limitMs` after it was sent: at the end of this turn of the event loop, with
   * all others of the turn.
   *
   * @throws {Overloaded} before anything is sent, when too many statements wait already
   * @throws {StatementTimedOut} after `limitMs`
   * @throws {PlaceChanged}
   * @throws the driver's own error; a dialect says what it means
   */
  run(statement: SqlStatement, limitMs: number): Promise<SqlResult>;
  /** Forgets every connection and makes new ones. Statements that were sent keep theirs until they end. */
  reconnect(): void;
  /** Lets the statements under way end. */
  close(): Promise<void>;
}

export interface SqlResult extends ReadonlyArray<unknown> {
  /** Rows that the statement returned or changed. */
  readonly count: number;
}

export interface SqlPoolOptions {
  /** Returns a function that tells whether the address still leads to what it leads to now. */
  readonly watchPlace: () => () => boolean;
  readonly connect: () => SQL;
  /** Statements that may be under way or wait for a connection at once. */
  readonly waitingMax: number;
  /** How long statements under way may take when connections are closed, in seconds. */
  readonly closeSeconds: number;
}

/**
 * A pool with the two things that Bun.SQL leaves out: a deadline for every statement, and an end for
 * connections that have gone deaf. A connection whose peer has silently vanished would wait for ever, and
 * with it its place in the pool; so the pool is replaced when one of its statements ran out of time.
 */
export function createSqlPool(options: SqlPoolOptions): SqlPool {
  const { watchPlace, connect, waitingMax, closeSeconds } = options;
  let connections = open();
  let waiting = 0;

  /** The place is looked at first: what changes in between is noticed later. */
  function open() {
    return { isSamePlace: watchPlace(), sql: connect() };
  }

  function replace(deaf: typeof connections): void {
    if (connections !== deaf) return;
    connections = open();
    deaf.sql.close({ timeout: closeSeconds }).catch(() => {});
  }

  async function runOn(
    used: typeof connections,
    { text, parameters }: SqlStatement,
    limitMs: number,
  ): Promise<SqlResult> {
    // Begun here and now: a query that only waits to be awaited would be lost if the pool closed first.
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

  function ensurePlace(used: typeof connections, wasRun: boolean): void {
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
        const used = connections;
        ensurePlace(used, false);
        const result = await runOn(used, statement, limitMs);
        if (statement.isWrite) ensurePlace(used, true);
        return result;
      } finally {
        waiting -= 1;
      }
    },

    reconnect: () => replace(connections),

    async close() {
      // What was asked in this turn goes first.
      await endOfTurn();
      await connections.sql.close({ timeout: closeSeconds });
    },
  };
}

let turnEnd: Promise<void> | null = null;

/**
 * The same moment for everyone who asks in one turn of the event loop. Bun.SQL writes to a connection once for
 * all that is sent at one moment; a write for each statement would be a fifth of what a session costs.
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

/** Settles as the query does, or fails when its time is over. A race of two promises would be dearer. */
function within<Result>(limitMs: number, query: Promise<Result>): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const timer = setTimeout(() => reject(new StatementTimedOut()), limitMs);
  query.then(resolve, reject).then(() => clearTimeout(timer));
  return promise;
}
