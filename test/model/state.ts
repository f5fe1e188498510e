/** The state of the model: one key, one row, one Redis master at a time, a few writers and filling readers. */

/** What the Redis server holds for the key. `n` is not kept: it stands exactly while `markers` is not 0. */
export interface Hash {
  readonly epoch: number;
  readonly token: number;
  readonly value: number | null;
  /** One bit for each writer whose marker lives. */
  readonly markers: number;
  /** Whether it is marked as stale. */
  readonly marked: boolean;
}

/** One `set`. A crash is a writer that takes no further step; what it has sent may still land. */
export interface Writer {
  readonly id: number;
  readonly value: number;
  readonly at:
    | "start"
    | "purging"
    | "beginning"
    | "begun"
    | "updating"
    | "committed"
    | "refused"
    | "unknown"
    | "answered";
  readonly answer: "none" | "done" | "not done" | "unknown";
  /** The value it read last. */
  readonly old: number;
  readonly rereadsLeft: number;
  /** Its deadline and one statement's limit have passed by the database's clock: 2D after step 1. */
  readonly fenced: boolean;
  /** How many epochs there had been at step 1. */
  readonly epochsBefore: number;
  /** Whether the database held `value` at some instant since step 1. */
  readonly held: boolean;
  readonly afterOutside: boolean;
  /** BEGIN's answer. `solo` becomes "may fill" once the UPDATE is sent. */
  readonly epoch: number;
  readonly token: number;
  readonly solo: boolean;
  /** The value that BEGIN dropped, until another write is known to have begun; `nothing` if it dropped none. */
  readonly found: number;
  /** What its END stores. */
  readonly stores: number;
  readonly beginsInFlight: number;
  readonly updatesInFlight: number;
  readonly endsInFlight: number;
}

/** A reader that has missed and may fill; it starts again for ever. Hits need no process: see properties.ts. */
export interface Reader {
  readonly id: number;
  /**
   * "joined": it shares a statement that was sent before its READ, which only a broken rule allows. "stale": READ has
   * found the hash marked.
   */
  readonly at: "start" | "joined" | "missed" | "filling" | "stale";
  readonly epoch: number;
  readonly token: number;
  readonly value: number;
  readonly fillsInFlight: number;
}

export interface State {
  readonly row: number;
  /** What a replica of the database may still answer; looked at only when `readsPrimary` is left out. */
  readonly replicaRow: number;
  /** The epoch of the server that has the key. */
  readonly home: number;
  /** Epochs of all masters that run, one bit each. */
  readonly live: number;
  /** How many epochs there have been, and those whose grace is over, one bit each. */
  readonly epochs: number;
  readonly graceOver: number;
  readonly hash: Hash | null;
  /** What a snapshot or a lagging replica has kept. */
  readonly snapshot: Hash | null;
  readonly writers: readonly Writer[];
  readonly readers: readonly Reader[];
  readonly faults: Faults;
  /** Staleness the protocol admits: after an outside write, and for evicted markers, one bit a writer. */
  readonly outsideAdmitted: boolean;
  /** A stale hash was found, and nobody has read the row since. */
  readonly unread: boolean;
  readonly evictedAdmitted: number;
  readonly broken: string | null;
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
export const nameOf = ({ id }: Writer): string => `writer ${"ABC"[id]}`;
export const readerName = ({ id }: Reader): string => `reader ${"RS"[id]}`;

/** The state with one writer changed; whatever can no longer matter to it is forgotten. */
export function withWriter(state: State, writer: Writer, change: Partial<Writer>): State {
  const changed = tidied({ ...writer, ...change });
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

/** An answered writer with no UPDATE in flight changes the row no more, so only its messages to Redis count. */
function tidied(writer: Writer): Writer {
  if (writer.at !== "answered" || writer.updatesInFlight > 0) return writer;
  const fills = writer.solo && writer.endsInFlight > 0;
  return {
    ...writer,
    old: 0,
    rereadsLeft: 0,
    fenced: true,
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

/** The smallest token that nothing refers to: as good as a random one, and the state stays small. */
export function unusedToken(state: State): number {
  let used = 0;
  const mark = (token: number) => {
    if (token >= 0) used |= 1 << token;
  };
  if (state.hash) mark(state.hash.token);
  if (state.snapshot) mark(state.snapshot.token);
  for (const writer of state.writers) mark(writer.token);
  for (const reader of state.readers) mark(reader.token);
  let token = 0;
  while (used & (1 << token)) token++;
  return token;
}
