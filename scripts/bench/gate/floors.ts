/**
 * The minimum of the sidecar's share: the CPU time that `bare` needs for a lookup, divided by the CPU time that the
 * sidecar needs. A share of 1 would be a sidecar that does only what cannot be avoided.
 *
 * Each floor is about a seventh below the median that was measured on a calm machine when it was set. A share differs
 * by some hundredths from machine to machine and from process to process, and by more if others use the processor.
 * Raise a floor when the sidecar has become faster. Lower it only for work that is worth its time, and say in the
 * commit which.
 */
export const floors = {
  /** REPLAY_PROTECTION=off: the same work as `bare`, one command to Redis. Measured: 0.87. */
  guardOff: 0.75,
  /** REPLAY_PROTECTION=all, the default: a second command to Redis for each lookup. Measured: 0.70. */
  guardOn: 0.6,
} as const;
