/** What each Redis script does to the hash. Every script is one atomic step, and may run late or twice. */
import type { Repairs } from "./repairs.ts";
import { type Hash, markerOf, nothing, type Reader, type State, unusedToken, type Writer } from "./state.ts";

/** A token that nobody holds. Left out: a count that starts at 0 again with every new hash. */
function freshToken(state: State, hash: Hash | null, repairs: Repairs): number {
  if (repairs.tokenNeverRepeats) return unusedToken(state);
  return hash === null ? 0 : (hash.token + 1) % 8;
}

/** Left out: the client draws the token, so that a script sent again brings the same one again. */
const sentWithBegin = (writer: Writer): number => 8 + writer.id;
const sentWithEnd = (writer: Writer): number => 11 + writer.id;

/** A script that meets another server's hash: v goes, t is fresh, e is this server's, the markers stay. */
export function reset(state: State, repairs: Repairs): Hash | null {
  const { hash, home } = state;
  if (hash === null || hash.epoch === home) return hash;
  return {
    epoch: home,
    token: repairs.resetRenewsToken ? freshToken(state, hash, repairs) : hash.token,
    value: repairs.resetDropsValue ? null : hash.value,
    markers: repairs.resetKeepsMarkers ? hash.markers : 0,
    marked: hash.marked,
  };
}

/** READ: a hash that answers MISS with its token, or whatever else it finds (a value, or markers: ASK). */
export function read(state: State, repairs: Repairs): Hash {
  const found = reset(state, repairs);
  if (found !== null) return found;
  return {
    epoch: state.home,
    token: freshToken(state, null, repairs),
    value: null,
    markers: 0,
    marked: false,
  };
}

/** FILL: stores the reader's value iff nothing has happened to the hash since its MISS. */
export function fill(state: State, reader: Reader, repairs: Repairs): Hash | null {
  const { hash } = state;
  if (hash === null) return null;
  if (repairs.fillChecksEpoch && reader.epoch !== state.home) return hash;
  if (repairs.fillChecksToken && reader.token !== hash.token) return hash;
  if (repairs.fillChecksMarkers && hash.markers !== 0) return hash;
  if (repairs.fillKeepsValue && hash.value !== null) return hash;
  return { ...hash, epoch: state.home, value: reader.value };
}

/** BEGIN: drops v, renews t, adds the writer's marker, and tells whether it is the only one. */
export function begin(
  state: State,
  writer: Writer,
  repairs: Repairs,
): { hash: Hash; solo: boolean; found: number } {
  const found = read(state, repairs);
  const others = found.markers & ~markerOf(writer);
  const renewed = repairs.beginTokenPerRun ? freshToken(state, found, repairs) : sentWithBegin(writer);
  return {
    solo: others === 0 || !repairs.soloAskedAtBegin,
    found: found.value ?? nothing,
    hash: {
      epoch: state.home,
      token: repairs.beginRenewsToken ? renewed : found.token,
      value: repairs.beginDropsValue ? null : found.value,
      markers: others | markerOf(writer),
      marked: found.marked,
    },
  };
}

/** END: takes away the writer's marker; fills if nobody overlapped; drops v if it cannot know. */
export function end(state: State, writer: Writer, mayFill: boolean, repairs: Repairs): Hash | null {
  const { hash } = state;
  if (hash === null) return null;
  const markers = markersAfterEnd(hash, writer, repairs);
  const gone = markers === hash.markers && repairs.endDropsWhenMarkerGone;
  const foreign = writer.epoch !== state.home && repairs.endRefusesForeignEpoch;
  const renewed = repairs.endTokenPerRun ? freshToken(state, hash, repairs) : sentWithEnd(writer);
  if (gone || foreign) return { ...hash, markers, value: null, token: renewed };
  const alone = markers === 0 || !repairs.endFillsAlone;
  const mine = writer.token === hash.token || !repairs.endChecksToken;
  const stores = hash.marked ? nothing : writer.stores;
  if (mayFill && alone && mine && stores !== nothing)
    return { ...hash, markers, epoch: state.home, value: stores };
  return { ...hash, markers };
}

/** Left out: a counter that every END lowers by one, no matter whose marker is left; or an END that clears them all. */
function markersAfterEnd(hash: Hash, writer: Writer, repairs: Repairs): number {
  const others = hash.markers & ~markerOf(writer);
  if (!repairs.endTakesOwnMarkerOnly) return 0;
  if (!repairs.markersPerWriter && others === hash.markers) return others & (others - 1);
  return others;
}

/** Purge: v goes and t is fresh, so that no fill in flight brings the old value back. */
export function purge(state: State, repairs: Repairs): Hash | null {
  const { hash } = state;
  return hash && { ...hash, value: null, token: freshToken(state, hash, repairs) };
}

/** The mark of a stale hash: v goes, t is fresh, unless another write has begun since the token was read. */
export function markStale(state: State, token: number, repairs: Repairs): Hash | null {
  const { hash, home } = state;
  if (hash === null || hash.epoch !== home || hash.token !== token) return null;
  return { ...hash, value: null, token: freshToken(state, hash, repairs), marked: repairs.marksStale };
}

/** What a plain HMGET accepts as a hit, if anything. */
export function hit(state: State, repairs: Repairs): number | null {
  const { hash } = state;
  if (hash === null || (hash.markers !== 0 && repairs.hitChecksMarkers)) return null;
  if (!repairs.hitChecksEpoch) return hash.value;
  const known = repairs.hitFromItsServer ? 1 << state.home : state.live;
  return known & (1 << hash.epoch) ? hash.value : null;
}
