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
   * Returns when the next request is due, in milliseconds from the first instant, or `null` after the last one. It is
   * never earlier than the previous one.
   */
  next(): number | null;
}

/**
 * Creates the times at which requests are due. They do not depend on the answers (an open loop).
 *
 * `even` keeps equal intervals. `poisson` imitates requests of independent people, which arrive at random and sometimes
 * several at once. It is conditioned on exactly `count` requests, so the times are uniform order statistics. The first
 * of `left` uniform times in the remaining span lies at 1 − u^(1/left) of it; the times are therefore drawn in order,
 * and none has to be stored.
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
 * Returns when `position` requests have become due. This inverts from·t + slope·t²/2, in a form that also works for a
 * slope of 0.
 */
function timeOf(position: number, { from, to }: Rate, durationMs: number): number {
  if (position <= 0) return 0;
  const slope = (to - from) / (durationMs / 1000);
  const seconds = (2 * position) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * position)));
  return Math.min(durationMs, seconds * 1000);
}
