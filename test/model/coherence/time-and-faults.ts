/**
 * What happens without the processes: time passes, servers fail, and the site writes. Each function lists its moves.
 */
import type { Move, World } from "./moves.ts";
import { hit, markStale } from "./redis-scripts.ts";
import { markerOf, nameOf, type State, type Writer, withWriter } from "./state.ts";
import { rowBecomes } from "./writer-steps.ts";

type WorldEvent = (state: State, world: World) => Move[];

const runs = ({ at }: Writer): boolean => at !== "start" && at !== "purging" && at !== "purged";

/**
 * COHERENCE_STATEMENT_MS: the deadline of a write and the limit of one statement pass. The database refuses its UPDATE
 * from then on.
 */
const deadlinesPass: WorldEvent = (state) =>
  state.writers
    .filter((writer) => runs(writer) && !writer.pastDeadline)
    .map((writer) => ({
      label: `time: the deadline of ${nameOf(writer)} passes`,
      next: withWriter(state, writer, { pastDeadline: true }),
    }));

/** COHERENCE_QUARANTINE_MS: a marker lapses, but not before the deadline of its write has passed. */
const markersLapse: WorldEvent = (state, { rules }) =>
  state.writers.flatMap((writer) => {
    const { hash } = state;
    if (hash === null || !(hash.markers & markerOf(writer))) return [];
    if (!writer.pastDeadline && rules.markerOutlivesUpdate) return [];
    const next = { ...state, hash: { ...hash, markers: hash.markers & ~markerOf(writer) } };
    return [{ label: `time: the marker of ${nameOf(writer)} lapses`, next }];
  });

/**
 * The write lock lapses two statement limits and a second after the BEGIN that has set it last, so not before the
 * deadlines of that run and of those before it have passed.
 */
const writeLockLapses: WorldEvent = (state, { rules }) => {
  const { hash, writers } = state;
  const { lock = null } = hash ?? {};
  if (hash === null || lock === null) return [];
  const mayStillWrite = writers.some(({ run, pastDeadline }) => run > 0 && run <= lock.run && !pastDeadline);
  if (mayStillWrite && rules.lockOutlivesUpdate) return [];
  return [{ label: "time: the write lock lapses", next: { ...state, hash: { ...hash, lock: null } } }];
};

/** COHERENCE_TOKEN_MS and REDIS_TTL_SECONDS: a hash without a marker may expire at any time. */
const hashExpires: WorldEvent = (state, { rules }) => {
  if (state.hash === null || (state.hash.markers !== 0 && rules.expiryCoversMarkers)) return [];
  return [{ label: "time: the hash expires", next: { ...state, hash: null, unread: false } }];
};

/**
 * COHERENCE_GRACE_MS: the grace of an epoch ends, but not before the deadline of every write that began before the
 * epoch.
 */
const gracesEnd: WorldEvent = (state) => {
  const moves: Move[] = [];
  for (let epoch = 0; epoch < state.epochs; epoch++) {
    if (state.graceOver & (1 << epoch)) continue;
    if (state.writers.some((writer) => runs(writer) && !writer.pastDeadline && writer.epochsBefore <= epoch))
      continue;
    const next = { ...state, graceOver: state.graceOver | (1 << epoch) };
    moves.push({ label: `time: the grace of epoch ${epoch} ends`, next });
  }
  return moves;
};

/** A snapshot is written, or a replica stops receiving changes. */
const snapshotIsTaken: WorldEvent = (state) => {
  const { faults, hash } = state;
  if (faults.snapshots === 0 || faults.restarts === 0 || hash === null) return [];
  const next = { ...state, snapshot: hash, faults: { ...faults, snapshots: faults.snapshots - 1 } };
  return [{ label: "Redis: a snapshot is taken", next }];
};

/**
 * Redis restarts or fails over: there is a new epoch, and the hash is the current one, an older one, or none. A stale mark
 * ends with its hash.
 */
const redisRestarts: WorldEvent = (state) => {
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
  const moves: Move[] = [{ label: "Redis: restarts empty", next: { ...anew, hash: null, unread: false } }];
  if (hash !== null) moves.push({ label: "Redis: fails over and loses nothing", next: { ...anew, hash } });
  if (snapshot !== null && snapshot !== hash) {
    const unread = state.unread && snapshot.marked;
    moves.push({ label: "Redis: restarts from the snapshot", next: { ...anew, hash: snapshot, unread } });
  }
  return moves;
};

/** Resharding: the key moves with its whole hash to another running master, and nothing else changes. */
const keyMoves: WorldEvent = (state) => {
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

/**
 * The hash is evicted with its markers. Stale hits are admitted until the END of each writer that could still change
 * the row.
 */
const hashIsEvicted: WorldEvent = (state) => {
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

/** The site writes the row itself. Stale hits are admitted until a set that began later is acknowledged. */
const siteWrites: WorldEvent = (state, world) => {
  const { faults } = state;
  const { outsideValue } = world.configuration;
  if (faults.outsideWrites === 0 || state.row === outsideValue) return [];
  const written = rowBecomes(state, outsideValue, world);
  const next = { ...written, outsideAdmitted: true, faults: { ...faults, outsideWrites: 0 } };
  return [{ label: `the site: writes ${outsideValue} without the sidecar`, next }];
};

/** A session compares the hash with the row. If they differ, it sets the stale mark and is refused. */
const sessionFindsAStaleHash: WorldEvent = (state, { rules }) => {
  const value = hit(state, rules);
  if (value === null || value === state.row || state.hash === null) return [];
  const hash = markStale(state, state.hash.token, rules);
  if (hash === null) return [];
  const label = `a session: finds ${value} in the hash and ${state.row} in the row, is refused`;
  return [{ label, next: { ...state, hash, unread: true } }];
};

/** Without the rule `readsPrimary`, a replica of the database may catch up at any time. */
const replicaCatchesUp: WorldEvent = (state) =>
  state.replicaRow === state.row
    ? []
    : [{ label: "database: the replica catches up", next: { ...state, replicaRow: state.row } }];

export const worldEvents: readonly WorldEvent[] = [
  deadlinesPass,
  markersLapse,
  writeLockLapses,
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
