interface Mark {
  /** The epoch, in hex, of the master that also holds the mark; `null` if none does. */
  readonly epoch: string | null;
  readonly lapsesAt: number;
}

/** Maximum number of users that are remembered. The oldest are dropped first. */
const usersMax = 10_000;

/**
 * Remembers the users whose hashes this process has found stale. Redis holds the same marks for every sidecar; this
 * memory is for the time when Redis is away or has come back without them.
 */
export function createStaleUsers(lifeMs: number) {
  const marks = new Map<string, Mark>();

  function markOf(loginId: string): Mark | undefined {
    if (marks.size === 0) return undefined;
    const mark = marks.get(loginId);
    if (mark !== undefined && mark.lapsesAt <= performance.now()) marks.delete(loginId);
    else return mark;
    return undefined;
  }

  return {
    remember(loginId: string, epoch: string | null): void {
      marks.delete(loginId);
      marks.set(loginId, { epoch, lapsesAt: performance.now() + lifeMs });
      const [oldest] = marks.keys();
      if (marks.size > usersMax && oldest !== undefined) marks.delete(oldest);
    },

    /**
     * Returns whether the user has a stale mark as far as this process knows. If a master still has the epoch of the
     * mark and reports no mark, it is right: another sidecar has served a lookup.
     */
    has(loginId: string, answeringEpoch: string | null): boolean {
      const mark = markOf(loginId);
      if (mark === undefined) return false;
      if (answeringEpoch === null || mark.epoch !== answeringEpoch) return true;
      marks.delete(loginId);
      return false;
    },

    forget: (loginId: string): void => void (marks.size > 0 && marks.delete(loginId)),
  };
}

export type StaleUsers = ReturnType<typeof createStaleUsers>;
