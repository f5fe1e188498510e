/** The properties. Each function returns the sentence that describes a violation, or null. */
import type { Configuration } from "./configurations.ts";
import { hit } from "./redis-scripts.ts";
import type { Rules } from "./rules.ts";
import { nothing, type State, type Writer } from "./state.ts";

/**
 * Checks a state. A hit is one atomic HMGET, so the request of a reader that arrives now consists of a single instant,
 * and its answer must be the current value of the row. Readers that arrived earlier are promised less.
 */
export function brokenIn(state: State, rules: Rules): string | null {
  if (state.broken !== null) return state.broken;
  if (state.unread && state.hash?.marked !== true)
    return "a session is granted after a stale hash although nobody has read the row since";
  if (state.hash?.marked && state.hash.value !== null) return "a hash with a stale mark has a value";
  if (state.outsideAdmitted || state.evictedAdmitted !== 0) return null;
  const answer = hit(state, rules);
  return answer === null || answer === state.row
    ? null
    : `a hit returns ${answer} while the row holds ${state.row}`;
}

/** A stale mark is a false alarm if only sidecars write, no marker is lost, and the database was not restored. */
export const brokenByMark = ({ outsideWrites, evictions, push }: Configuration): string | null =>
  outsideWrites + evictions > 0 || push !== null
    ? null
    : "a hash gets a stale mark although only sidecars have written";

/**
 * A 204 means that the database has held the value at some instant since the request began, and that no push has
 * overwritten it before the answer.
 */
export function brokenByAcknowledging(state: State, writer: Writer): string | null {
  if (!writer.held) return "a set is acknowledged although the database never held its value";
  const isOverwritten =
    state.row !== writer.value && state.writers.some(({ run, value }) => run > 0 && value === state.row);
  return isOverwritten ? "a set is acknowledged although a push has overwritten its value" : null;
}

/**
 * A write that was answered as not done is never committed. One that was answered as unknown may be committed later,
 * but only over the value that it has read. One that was read back as done may be committed once more if the row
 * returns to the value that it had read; `landsOnce` forbids that, too.
 */
export function brokenByCommit(state: State, writer: Writer, { landsOnce }: Configuration): string | null {
  const isPush = writer.run > 0;
  if (isPush && state.writers.some(({ run, answer }) => run === 0 && answer === "done"))
    return "a push overwrites what a sidecar has acknowledged after the listing";
  if (state.unread && state.evictedAdmitted === 0 && !isPush)
    return "a set is written after a stale hash although nobody has read the row since";
  const isAlone = state.hash?.token === writer.token && state.hash.epoch === writer.epoch;
  if (writer.found !== nothing && writer.found !== state.row && isAlone)
    return "a set overwrites what the site has written although its caller has not seen that";
  if (writer.answer === "not done") return "a set answered as not done is committed later";
  if (writer.answer === "unknown" && state.row !== writer.old)
    return "a set answered as unknown is committed later over a value that it never read";
  if (writer.answer === "done" && landsOnce)
    return "a set answered as done is committed later over a newer one";
  return null;
}
