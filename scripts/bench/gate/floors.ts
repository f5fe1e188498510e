/**
 * The least that the sidecar's share of the yardstick may be: the CPU time that `bare` needs for a lookup over the CPU time
 * that the sidecar needs for it. 1 would be a sidecar that does nothing but the unavoidable.
 *
 * Each lies about a seventh below the median that was measured on a calm machine when it was set. A share differs by some
 * hundredths from machine to machine and from process to process, and by more where others use the processor. Raise it
 * when the sidecar has become faster; lower it only for work that is worth its time, and say in the commit which.
 */
export const floors = {
  /** REPLAY_PROTECTION=off: the same work as `bare`, one command to Redis. Measured: 0.87. */
  guardOff: 0.75,
  /** REPLAY_PROTECTION=all, the default: a second command to Redis for each lookup. Measured: 0.70. */
  guardOn: 0.6,
} as const;
