/** What must hold. Each function answers the sentence that is broken, or null. */
import type { Configuration } from "./configurations.ts";
import { hit } from "./redis-scripts.ts";
import type { Repairs } from "./repairs.ts";
import { nothing, type State, type Writer } from "./state.ts";

/**
 * A hit is one atomic HMGET, so a reader that arrives right now has a request of exactly one instant: whatever
 * it would be answered must be the row as it is. Readers that arrived earlier are promised less.
 */
export function brokenIn(state: State, repairs: Repairs): string | null {
  if (state.broken !== null) return state.broken;
  if (state.unread && state.hash?.marked !== true)
    return "a session is given after a stale hash, though nobody has read the row since";
  if (state.hash?.marked && state.hash.value !== null) return "a hash that is marked as stale has a value";
  if (state.outsideAdmitted || state.evictedAdmitted !== 0) return null;
  const answer = hit(state, repairs);
  return answer === null || answer === state.row
    ? null
    : `a hit answers ${answer} while the database has ${state.row}`;
}

/** While only sidecars write, and no marker is lost, a mark is a false alarm. */
export const brokenByMark = ({ outsideWrites, evictions }: Configuration): string | null =>
  outsideWrites + evictions > 0 ? null : "a hash is marked as stale, though only sidecars have written";

/** A 204 means that the database has held the value since the request began. */
export const brokenByAcknowledging = (writer: Writer): string | null =>
  writer.held ? null : "a set is acknowledged whose value the database never had";

/**
 * A write answered "not done" stays undone; one answered "unknown" may land, but over what it has read only. One
 * read back as done may land once more if the row is put back to what it had read: `landsOnce` asks for that too.
 */
export function brokenByCommit(state: State, writer: Writer, { landsOnce }: Configuration): string | null {
  if (state.unread && state.evictedAdmitted === 0)
    return "a set is written after a stale hash, though nobody has read the row since";
  const isAlone = state.hash?.token === writer.token && state.hash.epoch === writer.epoch;
  if (writer.found !== nothing && writer.found !== state.row && isAlone)
    return "a set overwrites what the site has written, from a list that it did not know";
  if (writer.answer === "not done") return "a set answered as not done is committed later";
  if (writer.answer === "unknown" && state.row !== writer.old)
    return "a set answered as unknown lands later over a value that it never read";
  if (writer.answer === "done" && landsOnce) return "a set answered as done lands late over a newer one";
  return null;
}
