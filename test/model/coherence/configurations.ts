import type { Limit } from "../protocol.ts";
import { type Faults, noEpoch, noToken, nothing, restingReader, type State, type Writer } from "./state.ts";

/** The processes that take part, and how often each fault may happen. */
export interface Configuration extends Faults {
  readonly about: string;
  /** The value that each writer sets. At first, the row holds 0. */
  readonly writes: readonly number[];
  readonly readers: number;
  /** How often a write may read the row again after an UPDATE changed 0 rows. */
  readonly rereads: number;
  /** Whether scripts may run twice. */
  readonly resends: boolean;
  /** The number of masters of a Redis Cluster at first. The grace of all of them is over. */
  readonly masters: number;
  readonly outsideValue: number;
  /** The value that a trigger writes instead of 1; `null` without a trigger. */
  readonly oneBecomes: number | null;
  /** Whether to require what compare-and-set cannot guarantee without a version column; see `limits`. */
  readonly landsOnce: boolean;
  /**
   * What `sync push` writes, and how often it may run. At first, the database was restored: the row holds 0, the hash
   * still has this value, and the push has listed both.
   */
  readonly push: { readonly value: number; readonly runs: number } | null;
}

const calm: Omit<Configuration, "about" | "writes"> = {
  snapshots: 0,
  restarts: 0,
  migrations: 0,
  evictions: 0,
  outsideWrites: 0,
  outsideValue: 0,
  oneBecomes: null,
  landsOnce: false,
  push: null,
  masters: 1,
  resends: false,
  rereads: 1,
  readers: 1,
};

const table = {
  writers: {
    ...calm,
    about:
      "two writers and a reader; replies are lost, scripts run late or twice, hashes expire and markers lapse",
    writes: [1, 2],
    resends: true,
  },
  "restored values": {
    ...calm,
    about: "three writers, one of which restores the first value; Redis restarts once",
    writes: [2, 1, 0],
    readers: 0,
    rereads: 0,
    restarts: 1,
  },
  failover: {
    ...calm,
    about:
      "two writers and a reader; Redis restarts or fails over twice, with no hash, the current one, or an older one",
    writes: [1, 2],
    snapshots: 1,
    restarts: 2,
  },
  resharding: {
    ...calm,
    about: "two writers and a reader; there are two masters, the key moves, and a master fails over",
    writes: [1, 2],
    masters: 2,
    snapshots: 1,
    restarts: 1,
    migrations: 1,
  },
  outside: {
    ...calm,
    about: "two writers and two readers; the site writes the row itself",
    writes: [1, 2],
    readers: 2,
    outsideWrites: 1,
    outsideValue: 1,
  },
  trigger: {
    ...calm,
    about: "two writers and a reader; a trigger of the table alters one value",
    writes: [1, 2],
    oneBecomes: 3,
  },
  evicted: {
    ...calm,
    about: "two writers and a reader; the hash is evicted with its markers",
    writes: [1, 2],
    evictions: 1,
  },
  push: {
    ...calm,
    about: "two writers and a push into a restored database; the push may be run twice",
    writes: [1, 0],
    readers: 0,
    rereads: 0,
    push: { value: 2, runs: 2 },
  },
  "push and lookup": {
    ...calm,
    about:
      "a writer, a reader and a push into a restored database; the push may be run twice, and the key moves",
    writes: [0],
    masters: 2,
    migrations: 1,
    push: { value: 2, runs: 2 },
  },
} satisfies Record<string, Configuration>;

export type ConfigurationName = keyof typeof table;

/** The configurations of the test run. Together they cover every behavior of the model. */
export const configurations: Readonly<Record<ConfigurationName, Configuration>> = table;

/** The same with wider bounds, for `run.ts --deep`. */
export const deepConfigurations: Readonly<Record<string, Configuration>> = {
  "restored values, read again": { ...table["restored values"], rereads: 1 },
  "restored values, resent": { ...table.writers, writes: [1, 0], restarts: 1 },
  "failover, resent": { ...table.failover, restarts: 1, resends: true },
  "failover, evicted": { ...table.failover, restarts: 1, evictions: 1 },
  "resharding, two failovers": { ...table.resharding, restarts: 2 },
  "outside, evicted": { ...table.outside, evictions: 1 },
  "push, with a reader": { ...table.push, readers: 1 },
  "push, read again": { ...table.push, rereads: 1 },
  "push and lookup, resent": { ...table["push and lookup"], resends: true },
  "push and lookup, three runs": { ...table["push and lookup"], push: { value: 2, runs: 3 } },
};

/** What the protocol does not promise: each of these has a violation although all rules are followed. */
export const limits = {
  "there and back": {
    ...table.resharding,
    about: "a key moves to a master that loses writes in a failover, and the key moves back",
    violates: "a hit returns 0 while the row holds 1",
    migrations: 2,
  },
  "the same value twice": {
    ...calm,
    about:
      "a set without a reply is read back as done because another set committed the same value, which is then undone",
    violates: "a set answered as done is committed later over a newer one",
    writes: [1, 1, 0],
    readers: 0,
    rereads: 0,
    landsOnce: true,
  },
  "lost lock": {
    ...table.push,
    about: "Redis loses the write lock in a restart while the UPDATE of a push is in flight",
    violates: "a push overwrites what a sidecar has acknowledged after the listing",
    restarts: 1,
  },
} satisfies Record<string, Configuration & Limit>;

/**
 * Returns the first state: the row holds 0, no process has begun, and the grace of every master is over. There is a hash
 * only if there is a push.
 */
export function initialState(configuration: Configuration): State {
  const { readers, masters, snapshots, restarts, migrations, evictions, outsideWrites, push } = configuration;
  const listed = 0;
  return {
    row: 0,
    replicaRow: 0,
    home: 0,
    live: (1 << masters) - 1,
    epochs: masters,
    graceOver: (1 << masters) - 1,
    hash: push && { epoch: 0, token: listed, value: push.value, markers: 0, marked: false, lock: null },
    snapshot: null,
    writers: writersOf(configuration),
    readers: Array.from({ length: readers }, (_, id) => ({ id, ...restingReader })),
    faults: { snapshots, restarts, migrations, evictions, outsideWrites },
    outsideAdmitted: push !== null,
    unread: false,
    evictedAdmitted: 0,
    push: push && { listed, own: noToken },
    broken: null,
  };
}

/** Returns the sets of sidecars and then the runs of the push. Their ids are their places. */
function writersOf({ writes, rereads, push }: Configuration): Writer[] {
  const sets = writes.map((value) => ({ run: 0, value, rereadsLeft: rereads }));
  const runs = Array.from({ length: push?.runs ?? 0 }, (_, earlier) => ({
    run: earlier + 1,
    value: push?.value ?? 0,
    rereadsLeft: 0,
  }));
  return [...sets, ...runs].map((given, id) => newWriter({ id, ...given }));
}

function newWriter(given: Pick<Writer, "id" | "run" | "value" | "rereadsLeft">): Writer {
  return {
    ...given,
    at: "start",
    answer: "none",
    old: 0,
    pastDeadline: false,
    epochsBefore: 0,
    held: false,
    afterOutside: false,
    epoch: noEpoch,
    token: noToken,
    solo: false,
    found: nothing,
    stores: nothing,
    beginsInFlight: 0,
    updatesInFlight: 0,
    endsInFlight: 0,
  };
}
