/** A run could not begin. `message` says why, and what to do about it. */
export class CannotStart extends Error {}
