import {
  DatabaseUnavailable,
  ErasureIncomplete,
  HotCopyUnavailable,
  OutcomeUnknown,
  WriteContended,
} from "../errors.ts";

export interface WriteQueueOptions {
  /** How long a write waits for the earlier ones, in milliseconds. */
  readonly limitMs: number;
  /** Called before a write is refused because it has waited too long. */
  readonly onRefused: (loginId: string) => void;
  /** Returns milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

export interface WriteQueue {
  /**
   * Runs the write when every earlier write of this login id has ended. The write is told how long it has waited, in
   * milliseconds, so that it can end as early as without the queue.
   *
   * @throws {WriteContended} the earlier writes took too long, and this one was not run
   * @throws {DatabaseUnavailable} | {HotCopyUnavailable} an earlier write waited for an answer in vain, and this one
   * was not run
   */
  run(loginId: string, write: (waitedMs: number) => Promise<void>): Promise<void>;
}

/** A write that waits for its turn. */
interface Waiting {
  readonly start: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * Lets the writes of one user in this process run one after another, in the order in which they came. Together they
 * would all read the same row, and each compare-and-set but one would fail. The order only saves work: writes of other
 * processes, or under another spelling of the login id, still meet in the database.
 *
 * If a write fails because Redis does not answer, or after half the time limit because of the database, those that wait
 * for it fail with it. Otherwise each of them would begin to wait for the same answer only when its turn comes, and would
 * be answered a whole time limit late. A failure that comes sooner costs them little, and may be due to that one value.
 */
export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const { limitMs, onRefused, now = () => performance.now() } = options;
  /** For each login id that is being written, the writes that wait for their turn. */
  const queues = new Map<string, Waiting[]>();

  /** Resolves with how long the write has waited when its turn comes. */
  function waitIn(queue: Waiting[], loginId: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const since = now();
    const timer = setTimeout(() => {
      queue.splice(queue.indexOf(waiting), 1);
      onRefused(loginId);
      reject(new WriteContended());
    }, limitMs);
    const waiting: Waiting = {
      start() {
        clearTimeout(timer);
        resolve(now() - since);
      },
      fail(error) {
        clearTimeout(timer);
        reject(error);
      },
    };
    queue.push(waiting);
    return promise;
  }

  function startNext(loginId: string): void {
    const next = queues.get(loginId)?.shift();
    if (next === undefined) queues.delete(loginId);
    else next.start();
  }

  function failWaiting(loginId: string, error: Error): void {
    for (const waiting of queues.get(loginId)?.splice(0) ?? []) waiting.fail(error);
  }

  return {
    async run(loginId, write) {
      const queue = queues.get(loginId);
      if (queue === undefined) queues.set(loginId, []);
      const waitedMs = queue === undefined ? 0 : await waitIn(queue, loginId);
      const begunAt = now();
      try {
        await write(waitedMs);
      } catch (error) {
        const failure = sharedFailure(error, now() - begunAt >= limitMs / 2);
        if (failure !== null) failWaiting(loginId, failure);
        throw error;
      } finally {
        startNext(loginId);
      }
    },
  };
}

/** Returns what the waiting writes fail with, and `null` if they may run. */
function sharedFailure(error: unknown, isLate: boolean): DatabaseUnavailable | HotCopyUnavailable | null {
  if (error instanceof HotCopyUnavailable) return error;
  // The row was erased, and Redis did not answer afterwards.
  if (error instanceof ErasureIncomplete) return new HotCopyUnavailable();
  if (!isLate) return null;
  if (error instanceof DatabaseUnavailable) return error;
  if (!(error instanceof OutcomeUnknown)) return null;
  return new DatabaseUnavailable(
    "the outcome of an earlier write of the same user is unknown",
    "see the log for that write",
  );
}
