/** The state of the model: one key, one row, one Redis master at a time, and a few writers and readers that fill. */

/** The hash in Redis. The field `n` is not modeled, since it exists exactly while `markers` is not 0. */
export interface Hash {
  readonly epoch: number;
  readonly token: number;
  readonly value: number | null;
  /** One bit for each writer whose marker has not lapsed. */
  readonly markers: number;
  /** Whether it has a stale mark. */
  readonly marked: boolean;
  readonly lock: WriteLock | null;
}

/** The write lock of a push. */
export interface WriteLock {
  /** The latest run of the push whose BEGIN has set it. */
  readonly run: number;
  /** Whether an earlier BEGIN of the push had run, so that no END removes it. */
  readonly repeated: boolean;
}

/** One `set`, or one run of a push. A writer that crashes takes no further step, but what it has sent may still arrive. */
export interface Writer {
  readonly id: number;
  /** Which run of the push it is, from 1; 0 for a set of a sidecar. */
  readonly run: number;
  readonly value: number;
  readonly at:
    | "start"
    | "purging"
    | "purged"
    | "beginning"
    | "begun"
    | "updating"
    | "committed"
    | "refused"
    | "unknown"
    | "answered";
  readonly answer: "none" | "done" | "not done" | "unknown";
  /** The value that it read last. */
  readonly old: number;
  readonly rereadsLeft: number;
  /**
   * Whether its deadline and the limit of one more statement have passed by the database's clock, which is two
   * statement limits after step 1.
   */
  readonly pastDeadline: boolean;
  /** The number of epochs at step 1. */
  readonly epochsBefore: number;
  /** Whether the database has held `value` at some instant since step 1. */
  readonly held: boolean;
  readonly afterOutside: boolean;
  /** The reply to BEGIN. When the UPDATE has been sent, `solo` means that END may fill. */
  readonly epoch: number;
  readonly token: number;
  readonly solo: boolean;
  /** The value that BEGIN removed, until another write is known to have begun; `nothing` if it removed none. */
  readonly found: number;
  /** The value that its END stores. */
  readonly stores: number;
  readonly beginsInFlight: number;
  readonly updatesInFlight: number;
  readonly endsInFlight: number;
}

/** A reader that has missed and may fill. It starts again without end. Hits need no process; see properties.ts. */
export interface Reader {
  readonly id: number;
  /**
   * "joined": it shares a statement that was sent before its READ, which happens only without a rule. "stale": READ has
   * found a stale mark.
   */
  readonly at: "start" | "joined" | "missed" | "filling" | "stale";
  readonly epoch: number;
  readonly token: number;
  readonly value: number;
  readonly fillsInFlight: number;
}

export interface State {
  readonly row: number;
  /** What a replica of the database may return. It is used only without the rule `readsPrimary`. */
  readonly replicaRow: number;
  /** The epoch of the server that has the key. */
  readonly home: number;
  /** The epochs of all running masters, one bit each. */
  readonly live: number;
  /** How many epochs there have been, and those whose grace is over, one bit each. */
  readonly epochs: number;
  readonly graceOver: number;
  readonly hash: Hash | null;
  /** The hash in a snapshot or on a lagging replica. */
  readonly snapshot: Hash | null;
  readonly writers: readonly Writer[];
  readonly readers: readonly Reader[];
  readonly faults: Faults;
  /**
   * Whether the protocol admits that hits are stale: after an outside write, and for evicted markers, with one bit for
   * each writer.
   */
  readonly outsideAdmitted: boolean;
  /** Whether a stale hash was found and nobody has read the row since. */
  readonly unread: boolean;
  readonly evictedAdmitted: number;
  /** Only if there is a push. */
  readonly push: PushTokens | null;
  readonly broken: string | null;
}

/** The lease tokens with which a push continues. */
export interface PushTokens {
  /** The token beside the listed value. */
  readonly listed: number;
  /** The token that its last BEGIN has set, whether or not the reply arrived. It stands for all that begin with its text. */
  readonly own: number;
}

/** How often each fault may still happen. */
export interface Faults {
  readonly snapshots: number;
  readonly restarts: number;
  readonly migrations: number;
  readonly evictions: number;
  readonly outsideWrites: number;
}

export const noToken = -1;
export const noEpoch = -1;
export const nothing = -1;

export const markerOf = (writer: Writer): number => 1 << writer.id;
export const nameOf = (writer: Writer): string =>
  writer.run === 0 ? `writer ${letterOf(writer)}` : `run ${writer.run} of the push`;
/** How a marker is shown. */
export const letterOf = ({ id, run }: Writer): string => (run === 0 ? ("ABC"[id] ?? "") : `P${run}`);
export const readerName = ({ id }: Reader): string => `reader ${"RS"[id]}`;

/** Returns the state with one writer changed. Parts of that writer that no later step can observe are removed. */
export function withWriter(state: State, writer: Writer, change: Partial<Writer>): State {
  const changed = withoutObsolete({ ...writer, ...change });
  return { ...state, writers: state.writers.map((other) => (other.id === writer.id ? changed : other)) };
}

export function withReader(state: State, reader: Reader, change: Partial<Reader>): State {
  const changed = { ...reader, ...change };
  return { ...state, readers: state.readers.map((other) => (other.id === reader.id ? changed : other)) };
}

export const restingReader = {
  at: "start",
  epoch: noEpoch,
  token: noToken,
  value: 0,
  fillsInFlight: 0,
} as const;

/**
 * A writer that has answered and has no UPDATE in flight cannot change the row any more, so only its messages to Redis
 * count.
 */
export function withoutObsolete(writer: Writer): Writer {
  if (writer.at !== "answered" || writer.updatesInFlight > 0) return writer;
  const fills = writer.solo && writer.endsInFlight > 0;
  return {
    ...writer,
    old: 0,
    rereadsLeft: 0,
    pastDeadline: true,
    epochsBefore: 0,
    held: false,
    afterOutside: false,
    solo: fills,
    found: nothing,
    stores: fills ? writer.stores : nothing,
    token: fills ? writer.token : noToken,
    epoch: writer.endsInFlight > 0 ? writer.epoch : noEpoch,
  };
}

/**
 * Returns the smallest token that nothing refers to. It serves as well as a random one, and keeps the number of states
 * small.
 */
export function unusedToken(state: State): number {
  let used = 0;
  const mark = (token: number) => {
    if (token >= 0) used |= 1 << token;
  };
  if (state.hash) mark(state.hash.token);
  if (state.snapshot) mark(state.snapshot.token);
  for (const writer of state.writers) mark(writer.token);
  for (const reader of state.readers) mark(reader.token);
  if (state.push) {
    mark(state.push.listed);
    mark(state.push.own);
  }
  let token = 0;
  while (used & (1 << token)) token++;
  return token;
}
