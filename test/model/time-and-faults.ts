/** What happens by itself: time passes, servers fail, others interfere. Each function lists its moves. */
import type { Move, World } from "./moves.ts";
import { hit, markStale } from "./redis-scripts.ts";
import { markerOf, nameOf, type State, type Writer, withWriter } from "./state.ts";
import { rowBecomes } from "./writer-steps.ts";

type Happening = (state: State, world: World) => Move[];

const runs = (writer: Writer): boolean => writer.at !== "start" && writer.at !== "purging";

/** D: a write's deadline and the limit of one statement pass. From here on the database refuses it. */
const fencesFall: Happening = (state) =>
  state.writers
    .filter((writer) => runs(writer) && !writer.fenced)
    .map((writer) => ({
      label: `time: the deadline of ${nameOf(writer)} passes`,
      next: withWriter(state, writer, { fenced: true }),
    }));

/** Q: a marker lapses and is cleared, never before its write is fenced. */
const markersLapse: Happening = (state, { repairs }) =>
  state.writers.flatMap((writer) => {
    const { hash } = state;
    if (hash === null || !(hash.markers & markerOf(writer))) return [];
    if (!writer.fenced && repairs.markerOutlivesFence) return [];
    const next = { ...state, hash: { ...hash, markers: hash.markers & ~markerOf(writer) } };
    return [{ label: `time: the marker of ${nameOf(writer)} lapses`, next }];
  });

/** F and T: a hash without a marker may expire at any time. */
const hashExpires: Happening = (state, { repairs }) => {
  if (state.hash === null || (state.hash.markers !== 0 && repairs.expiryCoversMarkers)) return [];
  return [{ label: "time: the hash expires", next: { ...state, hash: null, unread: false } }];
};

/** G: the grace of an epoch ends, never before every write that began before the epoch is fenced. */
const gracesEnd: Happening = (state) => {
  const moves: Move[] = [];
  for (let epoch = 0; epoch < state.epochs; epoch++) {
    if (state.graceOver & (1 << epoch)) continue;
    if (state.writers.some((writer) => runs(writer) && !writer.fenced && writer.epochsBefore <= epoch))
      continue;
    const next = { ...state, graceOver: state.graceOver | (1 << epoch) };
    moves.push({ label: `time: the grace of epoch ${epoch} ends`, next });
  }
  return moves;
};

/** A snapshot is written, or a replica falls behind from here. */
const snapshotIsTaken: Happening = (state) => {
  const { faults, hash } = state;
  if (faults.snapshots === 0 || faults.restarts === 0 || hash === null) return [];
  const next = { ...state, snapshot: hash, faults: { ...faults, snapshots: faults.snapshots - 1 } };
  return [{ label: "Redis: a snapshot is taken", next }];
};

/** A restart or a failover: a new epoch, with the hash as it is, as it was, or none. */
const redisRestarts: Happening = (state) => {
  const { faults, hash, snapshot, home, live, epochs } = state;
  if (faults.restarts === 0) return [];
  const restarts = faults.restarts - 1;
  const anew = {
    ...state,
    home: epochs,
    live: (live & ~(1 << home)) | (1 << epochs),
    epochs: epochs + 1,
    snapshot: restarts > 0 ? snapshot : null,
    faults: { ...faults, restarts },
  };
  const moves: Move[] = [{ label: "Redis: restarts empty", next: { ...anew, hash: null } }];
  if (hash !== null) moves.push({ label: "Redis: fails over and loses nothing", next: { ...anew, hash } });
  if (snapshot !== null && snapshot !== hash)
    moves.push({ label: "Redis: restarts from the snapshot", next: { ...anew, hash: snapshot } });
  return moves;
};

/** Resharding: the key moves to another master that runs, whole, and nothing else changes. */
const keyMoves: Happening = (state) => {
  const { faults, live, home, epochs } = state;
  if (faults.migrations === 0) return [];
  const moved = { ...state, snapshot: null, faults: { ...faults, migrations: faults.migrations - 1 } };
  const moves: Move[] = [];
  for (let epoch = 0; epoch < epochs; epoch++)
    if (epoch !== home && live & (1 << epoch))
      moves.push({
        label: `Redis: the key moves to the master of epoch ${epoch}`,
        next: { ...moved, home: epoch },
      });
  return moves;
};

/** The hash is evicted with its markers: admitted until the END of each writer that could still change the row. */
const hashIsEvicted: Happening = (state) => {
  const { faults, hash } = state;
  if (faults.evictions === 0 || hash === null || hash.markers === 0) return [];
  const lost = state.writers.filter(
    (writer) => hash.markers & markerOf(writer) && (writer.at !== "answered" || writer.updatesInFlight > 0),
  );
  const evictedAdmitted = lost.reduce((bits, writer) => bits | markerOf(writer), state.evictedAdmitted);
  const evicted = { ...faults, evictions: faults.evictions - 1 };
  return [
    {
      label: "Redis: evicts the hash",
      next: { ...state, hash: null, unread: false, evictedAdmitted, faults: evicted },
    },
  ];
};

/** The site writes the row itself: admitted until a set that began later is acknowledged. */
const siteWrites: Happening = (state, world) => {
  const { faults } = state;
  const { outsideValue } = world.configuration;
  if (faults.outsideWrites === 0 || state.row === outsideValue) return [];
  const written = rowBecomes(state, outsideValue, world);
  const next = { ...written, outsideAdmitted: true, faults: { ...faults, outsideWrites: 0 } };
  return [{ label: `the site: writes ${outsideValue} past the sidecar`, next }];
};

/** A session compares the hash with the row: a value that contradicts it is marked, and there is no session. */
const sessionFindsAStaleHash: Happening = (state, { repairs }) => {
  const value = hit(state, repairs);
  if (value === null || value === state.row || state.hash === null) return [];
  const hash = markStale(state, state.hash.token, repairs);
  if (hash === null) return [];
  const label = `a session: finds ${value} in the hash and ${state.row} in the row, is refused`;
  return [{ label, next: { ...state, hash, unread: true } }];
};

/** Left out `readsPrimary`: a replica of the database follows whenever it likes. */
const replicaCatchesUp: Happening = (state) =>
  state.replicaRow === state.row
    ? []
    : [{ label: "database: the replica catches up", next: { ...state, replicaRow: state.row } }];

export const happenings: readonly Happening[] = [
  fencesFall,
  markersLapse,
  hashExpires,
  gracesEnd,
  snapshotIsTaken,
  redisRestarts,
  keyMoves,
  hashIsEvicted,
  siteWrites,
  sessionFindsAStaleHash,
  replicaCatchesUp,
];
