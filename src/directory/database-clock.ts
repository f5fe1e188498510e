/** So long it goes on by this process's own clock: as long as a database that has fallen silent may go unnoticed. */
const knownMs = 500;
const nothing = { timeMs: 0, heardAt: Number.NEGATIVE_INFINITY };

/**
 * The database's clock, from what rows have shown of it. Counted from when a row came in, which is after it was read:
 * what is told may be behind, never ahead, unless the clock itself is set back meanwhile.
 */
export function createDatabaseClock() {
  let shown = nothing;

  return {
    /** A row that has just come in shows it, in milliseconds since the Unix epoch. */
    hear(timeMs: number): void {
      shown = { timeMs, heardAt: performance.now() };
    },

    /** A statement has failed: the database may be gone, and another one come in its place. */
    forget(): void {
      shown = nothing;
    },

    /** What it shows now, at least; `null` if no row has shown it a moment ago. */
    now(): number | null {
      const ageMs = performance.now() - shown.heardAt;
      return ageMs < knownMs ? shown.timeMs + ageMs : null;
    },
  };
}
