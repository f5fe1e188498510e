interface Mark {
  /** The epoch, in hex, of the master that also holds the mark; `null` if none does. */
  readonly epoch: string | null;
  readonly lapsesAt: number;
}

export interface StaleUsers {
  /** `epoch` is that of the master that also holds the mark; `null` if none does. */
  remember(loginId: string, epoch: string | null): void;

  /**
   * Returns whether the user has a stale mark as far as this process knows. `answeringEpoch` is that of a master that
   * reports no mark; `null` if none has answered. If it is still the epoch of the mark, the master is right, because
   * another sidecar has served a lookup. The mark is forgotten then.
   */
  has(loginId: string, answeringEpoch: string | null): boolean;

  forget(loginId: string): void;
}

/** Maximum number of users that are remembered. The oldest are dropped first. */
const usersMax = 10_000;

/**
 * Remembers the users whose hashes this process has found stale, each for `lifeMs`. Redis holds the same marks for every
 * sidecar; this memory is for the time when Redis is away or has come back without them.
 */
export function createStaleUsers(lifeMs: number): StaleUsers {
  const marks = new Map<string, Mark>();

  return {
    remember(loginId, epoch) {
      marks.delete(loginId);
      marks.set(loginId, { epoch, lapsesAt: performance.now() + lifeMs });
      const [oldest] = marks.keys();
      if (marks.size > usersMax && oldest !== undefined) marks.delete(oldest);
    },

    has(loginId, answeringEpoch) {
      const mark = marks.get(loginId);
      if (mark === undefined) return false;
      const isRefuted = answeringEpoch !== null && mark.epoch === answeringEpoch;
      if (!isRefuted && performance.now() < mark.lapsesAt) return true;
      marks.delete(loginId);
      return false;
    },

    forget(loginId) {
      // Every hit comes here, and there is hardly ever a mark.
      if (marks.size > 0) marks.delete(loginId);
    },
  };
}
