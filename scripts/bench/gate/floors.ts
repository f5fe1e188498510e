/**
 * The least that the sidecar's share of the limit may be: the CPU time that `bare` needs for a lookup over the CPU time
 * that the sidecar needs for it. 1 would be a sidecar that does nothing but the unavoidable.
 *
 * Each lies about a tenth below what was measured when it was set, since a ratio differs by some hundredths from
 * machine to machine. Raise it when the sidecar has become faster; lower it only for work that is worth its time, and
 * say in the commit what that work is.
 */
export const floors = {
  /** REPLAY_PROTECTION=off: the same work as `bare`, one command to Redis. */
  guardOff: 0.58,
  /** REPLAY_PROTECTION=all, the default: a second command to Redis for each lookup. */
  guardOn: 0.44,
} as const;
