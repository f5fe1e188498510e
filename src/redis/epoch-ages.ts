/** The earliest instant at which an epoch is known to have existed. */
interface FirstSeen {
  /** On the wall clock, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** On this process's monotonic clock, in milliseconds. */
  readonly graceOverAt: number;
}

export interface EpochAgesOptions {
  /** Records an epoch, in hex, where all sidecars find it. Returns for how many milliseconds it has been recorded. */
  readonly record: (epoch: string) => Promise<number>;
  /** `COHERENCE_GRACE_MS`. */
  readonly graceMs: number;
}

/**
 * Knows since when each epoch has existed. The record that all sidecars share can only show that an epoch is
 * older than this process has seen it. If an epoch cannot be recorded, because the master that holds the record is
 * away, it counts as first seen by this process: its grace then ends later than necessary, and never too early.
 */
export function createEpochAges({ record, graceMs }: EpochAgesOptions) {
  const firstSeen = new Map<string, FirstSeen>();
  /** Why the last attempt to record an epoch failed; `null` before the first one has ended. */
  const unrecorded = new Map<string, unknown>();
  const inFlight = new Set<string>();

  function seenBefore(ageMs: number): FirstSeen {
    return { atMs: Date.now() - ageMs, graceOverAt: performance.now() + Math.max(0, graceMs - ageMs) };
  }

  async function tryToRecord(epoch: string): Promise<void> {
    if (inFlight.has(epoch)) return;
    inFlight.add(epoch);
    try {
      const ageMs = await record(epoch);
      if (unrecorded.delete(epoch)) firstSeen.set(epoch, earlier(firstSeen.get(epoch), seenBefore(ageMs)));
    } catch (error) {
      if (unrecorded.has(epoch)) unrecorded.set(epoch, error);
    } finally {
      inFlight.delete(epoch);
    }
  }

  return {
    has: (epoch: string) => firstSeen.has(epoch),

    count: () => firstSeen.size,

    /**
     * A live master has this epoch. The first attempt to record it is awaited, so that its age is usually known by then;
     * later attempts are not, since each may take as long as a command may. Never rejects.
     */
    async see(epoch: string): Promise<void> {
      if (firstSeen.has(epoch)) return;
      firstSeen.set(epoch, seenBefore(0));
      unrecorded.set(epoch, null);
      await tryToRecord(epoch);
    },

    /** Tries to record what could not be recorded so far. */
    retry(): void {
      for (const epoch of unrecorded.keys()) void tryToRecord(epoch);
    },

    /** Counts the epoch as first seen now, whatever is recorded of it. */
    startAnew(epoch: string): void {
      unrecorded.delete(epoch);
      firstSeen.set(epoch, seenBefore(0));
    },

    /** Whether every epoch seen so far is recorded. */
    areRecorded: () => unrecorded.size === 0,

    /** Returns why epochs are not recorded: the error of the last attempt for each of them. */
    failures: (): readonly unknown[] => [...unrecorded.values()].filter((error) => error !== null),

    /** Whether the grace of every epoch seen so far is over. */
    isGraceOver(): boolean {
      const now = performance.now();
      return [...firstSeen.values()].every(({ graceOverAt }) => graceOverAt <= now);
    },

    /** When the youngest epoch was first seen by any sidecar, in milliseconds since the Unix epoch; `null` if none was. */
    youngestSeenAtMs: () =>
      firstSeen.size === 0 ? null : Math.max(...[...firstSeen.values()].map(({ atMs }) => atMs)),
  };
}

function earlier(one: FirstSeen | undefined, other: FirstSeen): FirstSeen {
  return one !== undefined && one.atMs < other.atMs ? one : other;
}
