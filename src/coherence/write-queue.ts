import { WriteContended } from "../errors.ts";

export interface WriteQueueOptions {
  /** How long a write waits for the earlier ones, in milliseconds. */
  readonly limitMs: number;
  /** Called before a write is refused because it has waited too long. */
  readonly onRefused: (loginId: string) => void;
}

export interface WriteQueue {
  /**
   * Runs the write when every earlier write of this login id has ended, however it ended. The write is told how long it
   * has waited, in milliseconds, so that it can end as early as without the queue.
   *
   * @throws {WriteContended} the earlier writes took too long, and this one was not run
   */
  run(loginId: string, write: (waitedMs: number) => Promise<void>): Promise<void>;
}

/**
 * Lets the writes of one user in this process run one after another, in the order in which they came. Together they
 * would all read the same row, and each compare-and-set but one would fail. The order only saves work: writes of other
 * processes, or under another spelling of the login id, still meet in the database.
 */
export function createWriteQueue({ limitMs, onRefused }: WriteQueueOptions): WriteQueue {
  /** For each login id that is being written, the end of all its writes so far. Never rejects. */
  const ends = new Map<string, Promise<void>>();

  function enqueue(loginId: string, ended: Promise<void>): Promise<void> | undefined {
    const earlier = ends.get(loginId);
    const all = earlier === undefined ? ended : earlier.then(() => ended);
    ends.set(loginId, all);
    all.then(() => {
      if (ends.get(loginId) === all) ends.delete(loginId);
    });
    return earlier;
  }

  /** Returns how long it has waited, or `null` if the earlier writes have not ended within the limit. */
  async function waitFor(earlier: Promise<void>): Promise<number | null> {
    const start = performance.now();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), limitMs);
    earlier.then(() => resolve(true));
    const hasEnded = await promise;
    clearTimeout(timer);
    return hasEnded ? performance.now() - start : null;
  }

  return {
    async run(loginId, write) {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const earlier = enqueue(loginId, ended);
      try {
        const waitedMs = earlier === undefined ? 0 : await waitFor(earlier);
        if (waitedMs === null) {
          onRefused(loginId);
          throw new WriteContended();
        }
        await write(waitedMs);
      } finally {
        end();
      }
    },
  };
}
