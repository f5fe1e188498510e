/** The machine's clock, never the same twice: what is signed twice in a millisecond would be a copy. */
export function createTickingClock(): () => number {
  let last = 0;
  return () => {
    last = Math.max(Date.now(), last + 1);
    return last;
  };
}
