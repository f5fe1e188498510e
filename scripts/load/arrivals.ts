export type Spacing = "poisson" | "even";

/** Requests per second, changing linearly from the first to the last instant. */
export interface Rate {
  readonly from: number;
  readonly to: number;
}

export interface ArrivalsOptions {
  readonly rate: Rate;
  readonly durationMs: number;
  readonly spacing: Spacing;
  /** Returns a uniform number in [0, 1). */
  readonly random: () => number;
}

export interface Arrivals {
  /** The number of requests. It is known beforehand, so that two runs at the same rate send the same number. */
  readonly count: number;
  /**
   * Returns when the next request is due, in milliseconds from the first instant, or `null` after the last. Never
   * earlier than the one before.
   */
  next(): number | null;
}

/**
 * Creates the times at which requests are due, independently of the answers (an open loop).
 *
 * `even` keeps equal intervals. `poisson` is how requests of independent people arrive: at random, sometimes several
 * at once. It is drawn on the condition that there are exactly `count` requests. The times are then uniform order
 * statistics, and the first of `left` uniform times in the rest lies at 1 − u^(1/left) of it, so they come out in
 * order and none has to be stored.
 */
export function createArrivals({ rate, durationMs, spacing, random }: ArrivalsOptions): Arrivals {
  const expected = ((rate.from + rate.to) / 2) * (durationMs / 1000);
  const count = Math.round(expected);
  let taken = 0;
  let position = 0;

  return {
    count,
    next() {
      if (taken === count) return null;
      if (spacing === "even") position = (expected * (taken + 0.5)) / count;
      else position += (expected - position) * (1 - (1 - random()) ** (1 / (count - taken)));
      taken += 1;
      return timeOf(position, rate, durationMs);
    },
  };
}

/**
 * Returns when `position` requests have become due: the inverse of from·t + slope·t²/2, in the form that also holds
 * for a slope of 0.
 */
function timeOf(position: number, { from, to }: Rate, durationMs: number): number {
  if (position <= 0) return 0;
  const slope = (to - from) / (durationMs / 1000);
  const seconds = (2 * position) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * position)));
  return Math.min(durationMs, seconds * 1000);
}
