/** What each Redis script does to the hash. Every script is one atomic step and may run late or twice. */
import type { Rules } from "./rules.ts";
import {
  type Hash,
  markerOf,
  noToken,
  nothing,
  type Reader,
  type State,
  unusedToken,
  type WriteLock,
  type Writer,
} from "./state.ts";

/** Returns a token that nobody holds. Without the rule, it is a number that starts at 0 again for every new hash. */
function freshToken(state: State, hash: Hash | null, rules: Rules): number {
  if (rules.tokenNeverRepeats) return unusedToken(state);
  return hash === null ? 0 : (hash.token + 1) % 8;
}

/** Without the rule, the client chooses the token, so a script that is sent again sets the same one again. */
const sentWithBegin = (writer: Writer): number => 8 + writer.id;
const sentWithEnd = (writer: Writer): number => 11 + writer.id;

/**
 * Resets a hash of another epoch: removes the value, changes the lease token, sets the epoch of this server, and keeps
 * the markers and the write lock.
 */
export function reset(state: State, rules: Rules): Hash | null {
  const { hash, home } = state;
  if (hash === null || hash.epoch === home) return hash;
  return {
    epoch: home,
    token: rules.resetRenewsToken ? freshToken(state, hash, rules) : hash.token,
    value: rules.resetDropsValue ? null : hash.value,
    markers: rules.resetKeepsMarkers ? hash.markers : 0,
    marked: hash.marked,
    lock: rules.resetKeepsLock ? hash.lock : null,
  };
}

/**
 * READ returns the hash that it finds, after a reset or newly created. It is a miss if it has no value and no marker.
 */
export function read(state: State, rules: Rules): Hash {
  const found = reset(state, rules);
  if (found !== null) return found;
  return {
    epoch: state.home,
    token: freshToken(state, null, rules),
    value: null,
    markers: 0,
    marked: false,
    lock: null,
  };
}

/** FILL stores the reader's value only if nothing has happened to the hash since its miss. */
export function fill(state: State, reader: Reader, rules: Rules): Hash | null {
  const { hash } = state;
  if (hash === null) return null;
  if (rules.fillChecksEpoch && reader.epoch !== state.home) return hash;
  if (rules.fillChecksToken && reader.token !== hash.token) return hash;
  if (rules.fillChecksMarkers && hash.markers !== 0) return hash;
  if (rules.fillKeepsValue && hash.value !== null) return hash;
  return { ...hash, epoch: state.home, value: reader.value };
}

interface Begun {
  readonly hash: Hash;
  readonly solo: boolean;
  readonly found: number;
}

export interface BegunPush extends Begun {
  readonly continues: boolean;
}

/**
 * BEGIN removes the value, changes the lease token, adds the writer's marker, and returns whether it is the only one. It
 * changes nothing and returns null if a push has the write lock.
 */
export function begin(state: State, writer: Writer, rules: Rules): Begun | null {
  return state.hash?.lock ? null : beginUnlocked(state, writer, rules);
}

/**
 * BEGIN of a push also says whether the push continues: if the lease token is the listed one, or if a BEGIN of the push
 * has set it and the hash has no value. Only then does the push get the write lock, and only in the second case may there
 * be one before.
 */
export function beginPush(state: State, run: Writer, rules: Rules): BegunPush | null {
  const { hash, home, push } = state;
  const isHeld = (token = noToken) => token !== noToken && hash?.epoch === home && hash.token === token;
  const repeated = isHeld(push?.own) && (hash?.value === null || !rules.ownTokenWithoutValue);
  if (hash?.lock && !repeated) return null;
  const continues = repeated || isHeld(push?.listed) || !rules.pushChecksToken;
  const begun = beginUnlocked(state, run, rules);
  if (!continues || !rules.pushLocks) return { ...begun, continues };
  const lock = { run: Math.max(run.run, hash?.lock?.run ?? 0), repeated };
  return { ...begun, hash: { ...begun.hash, lock }, continues };
}

function beginUnlocked(state: State, writer: Writer, rules: Rules): Begun {
  const found = read(state, rules);
  const others = found.markers & ~markerOf(writer);
  const renewed = rules.beginTokenPerRun ? freshToken(state, found, rules) : sentWithBegin(writer);
  return {
    solo: others === 0 || !rules.soloCheckedAtBegin,
    found: found.value ?? nothing,
    hash: {
      epoch: state.home,
      token: rules.beginRenewsToken ? renewed : found.token,
      value: rules.beginDropsValue ? null : found.value,
      markers: others | markerOf(writer),
      marked: found.marked,
      lock: found.lock,
    },
  };
}

/**
 * END removes the writer's marker and its write lock. It fills if no other write overlapped, and removes the value if it
 * cannot know that.
 */
export function end(state: State, writer: Writer, mayFill: boolean, rules: Rules): Hash | null {
  const { hash } = state;
  if (hash === null) return null;
  const markers = markersAfterEnd(hash, writer, rules);
  const lock = lockAfterEnd(hash, writer, rules);
  const gone = markers === hash.markers && rules.endDropsWhenMarkerGone;
  const foreign = writer.epoch !== state.home && rules.endRefusesForeignEpoch;
  const renewed = rules.endTokenPerRun ? freshToken(state, hash, rules) : sentWithEnd(writer);
  if (gone || foreign) return { ...hash, markers, lock, value: null, token: renewed };
  const alone = markers === 0 || !rules.endFillsAlone;
  const mine = writer.token === hash.token || !rules.endChecksToken;
  const stores = hash.marked ? nothing : writer.stores;
  if (mayFill && alone && mine && stores !== nothing)
    return { ...hash, markers, lock, epoch: state.home, value: stores };
  return { ...hash, markers, lock };
}

/** Without the rules, END decrements a counter regardless of whose markers are left, or removes all markers. */
function markersAfterEnd(hash: Hash, writer: Writer, rules: Rules): number {
  const others = hash.markers & ~markerOf(writer);
  if (!rules.endTakesOwnMarkerOnly) return 0;
  if (!rules.markersPerWriter && others === hash.markers) return others & (others - 1);
  return others;
}

/**
 * After a repeated BEGIN, END leaves the lock to lapse, since the UPDATE of an earlier run may still be in flight. A lock
 * of another run stays, too.
 */
function lockAfterEnd({ lock }: Hash, { run }: Writer, rules: Rules): WriteLock | null {
  const isOwn = lock !== null && lock.run === run && !(lock.repeated && rules.repeatedEndKeepsLock);
  return isOwn ? null : lock;
}

/** Purge removes the value and changes the lease token, so that no fill in flight restores the old value. */
export function purge(state: State, rules: Rules): Hash | null {
  const { hash } = state;
  return hash && { ...hash, value: null, token: freshToken(state, hash, rules) };
}

/**
 * Sets the stale mark: removes the value and changes the lease token, unless another write has begun since the token
 * was read.
 */
export function markStale(state: State, token: number, rules: Rules): Hash | null {
  const { hash, home } = state;
  if (hash === null || hash.epoch !== home || hash.token !== token) return null;
  return { ...hash, value: null, token: freshToken(state, hash, rules), marked: rules.marksStale };
}

/** Returns the value that a plain HMGET accepts as a hit, or null. */
export function hit(state: State, rules: Rules): number | null {
  const { hash } = state;
  if (hash === null || (hash.markers !== 0 && rules.hitChecksMarkers)) return null;
  if (!rules.hitChecksEpoch) return hash.value;
  const known = rules.hitFromItsServer ? 1 << state.home : state.live;
  return known & (1 << hash.epoch) ? hash.value : null;
}
