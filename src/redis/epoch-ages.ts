/** What is known of an epoch's age: it has existed at least since then. */
interface FirstSeen {
  /** By the wall clock, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** By this process's own clock, in milliseconds. */
  readonly graceOverAt: number;
}

export interface EpochAgesOptions {
  /** Records an epoch, in hex, where all sidecars find it, and returns for how many milliseconds it has been recorded. */
  readonly record: (epoch: string) => Promise<number>;
  /** Is told why an epoch could not be recorded; it is tried again. */
  readonly failed: (error: unknown) => void;
  /** G, in milliseconds. */
  readonly graceMs: number;
}

export type EpochAges = ReturnType<typeof createEpochAges>;

/**
 * Knows since when each epoch has existed. The record that all sidecars share only ever makes an epoch older than this
 * process has seen it to be. So an epoch that cannot be recorded, because the master that keeps the record is away,
 * counts as first seen when this process saw it: its grace ends later than it could, and never too early.
 */
export function createEpochAges({ record, failed, graceMs }: EpochAgesOptions) {
  const firstSeen = new Map<string, FirstSeen>();
  const unrecorded = new Set<string>();
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
      failed(error);
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
      const isNew = !firstSeen.has(epoch);
      if (isNew) {
        firstSeen.set(epoch, seenBefore(0));
        unrecorded.add(epoch);
      }
      if (!unrecorded.has(epoch)) return;
      const attempt = tryToRecord(epoch);
      if (isNew) await attempt;
    },

    /** Counts the epoch as first seen now, whatever is recorded of it. */
    startAnew(epoch: string): void {
      unrecorded.delete(epoch);
      firstSeen.set(epoch, seenBefore(0));
    },

    isRecorded: (epoch: string) => firstSeen.has(epoch) && !unrecorded.has(epoch),

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
