/**
 * Creates a clock that follows the clock of this machine and never returns the same time twice. Two equal requests
 * that are signed for the same millisecond would otherwise have the same signature, and the second would count as a
 * copy.
 */
export function createTickingClock(): () => number {
  let last = 0;
  return () => {
    last = Math.max(Date.now(), last + 1);
    return last;
  };
}
