/** So long the clock is told by this process's own, after a row has shown it. */
const knownMs = 1000;

export type DatabaseClock = ReturnType<typeof createDatabaseClock>;

/**
 * The database's clock, from what rows have shown of it. Counted from when a row came in, which is after it was read:
 * what is told may be behind, never ahead, unless the clock itself is set back meanwhile.
 */
export function createDatabaseClock() {
  let shown = { timeMs: 0, heardAt: Number.NEGATIVE_INFINITY };

  return {
    /** A row that has just come in shows it, in milliseconds since the Unix epoch. */
    hear(timeMs: number): void {
      shown = { timeMs, heardAt: performance.now() };
    },

    /** What it shows now, at least; `null` if no row has shown it a moment ago. */
    now(): number | null {
      const ageMs = performance.now() - shown.heardAt;
      return ageMs < knownMs ? shown.timeMs + ageMs : null;
    },
  };
}
