/** READ and FILL. A hit is no step because it changes nothing; properties.ts checks it in every state. */
import { copiesSent, graceIsOver, type Move, type World } from "./moves.ts";
import * as redis from "./redis-scripts.ts";
import { type Reader, readerName, restingReader, type State, withReader } from "./state.ts";

type Step = (state: State, reader: Reader, world: World) => Move | null;

/**
 * READ, as a script: resets a hash of another epoch. A miss returns the lease token and the epoch; a hit or "ask"
 * returns neither.
 */
const reads: Step = (state, reader, world) => {
  if (reader.at !== "start" && reader.at !== "joined") return null;
  const hash = redis.read(state, world.rules);
  if (hash.marked) {
    const label = `${readerName(reader)}: READ finds a stale mark`;
    return { label, next: withReader({ ...state, hash }, reader, { ...restingReader, at: "stale" }) };
  }
  const asks = hash.markers !== 0 && world.rules.readAsksUnderMarker;
  const name = readerName(reader);
  if (asks || hash.value !== null) {
    if (hash === state.hash) return null;
    return { label: `${name}: READ resets the hash, no miss`, next: { ...state, hash } };
  }
  const missed = { token: hash.token, epoch: hash.epoch };
  const change: Partial<Reader> =
    reader.at === "start"
      ? { ...missed, at: "missed" }
      : { ...missed, at: "filling", fillsInFlight: copiesSent(world) };
  const label = `${name}: READ is a miss${reader.at === "start" ? "" : ", fills what it has joined"}`;
  return { label, next: withReader({ ...state, hash }, reader, change) };
};

/** Without the rule `readsAfterMiss`, the reader uses the answer of a statement that was sent before its READ. */
const joinsAnEarlierFlight: Step = (state, reader, { rules }) => {
  if (rules.readsAfterMiss || reader.at !== "start") return null;
  const next = withReader(state, reader, { at: "joined", value: state.row });
  return { label: `${readerName(reader)}: joins a statement that read ${state.row}`, next };
};

/** After a miss: reads the primary, and sends FILL if the grace was over before the statement was sent. */
const readsTheDatabase: Step = (state, reader, world) => {
  if (reader.at !== "missed") return null;
  const value = world.rules.readsPrimary ? state.row : state.replicaRow;
  const name = readerName(reader);
  if (world.rules.graceBeforeRead && !graceIsOver(state, reader.epoch, world.rules)) return null;
  const next = withReader(state, reader, { at: "filling", value, fillsInFlight: copiesSent(world) });
  return { label: `${name}: reads ${value} from the database, sends FILL`, next };
};

/** After a READ that found a stale mark: reads the row, removes the mark, and fills nothing. */
const readsTheRowAfterAStaleMark: Step = (state, reader) => {
  if (reader.at !== "stale") return null;
  const hash = state.hash && { ...state.hash, marked: false };
  const next = withReader({ ...state, hash, unread: false }, reader, restingReader);
  return { label: `${readerName(reader)}: reads ${state.row} and removes the stale mark`, next };
};

/** FILL runs, possibly late or twice. Without the rule `graceBeforeRead`, the grace is checked only now. */
const fillRuns: Step = (state, reader, { rules }) => {
  if (reader.fillsInFlight === 0) return null;
  if (!rules.graceBeforeRead && !graceIsOver(state, reader.epoch, rules)) return null;
  const hash = redis.fill(state, reader, rules);
  const left = reader.fillsInFlight - 1;
  const next = withReader({ ...state, hash }, reader, left === 0 ? restingReader : { fillsInFlight: left });
  const outcome = hash === state.hash ? "is refused" : `stores ${reader.value}`;
  return { label: `Redis: FILL of ${readerName(reader)} ${outcome}`, next };
};

/** A reader may stop at any step: it crashes, it may not fill during the grace, or its FILL is lost. */
const abandons: Step = (state, reader) => {
  if (reader.at === "start") return null;
  return { label: `${readerName(reader)}: gives up`, next: withReader(state, reader, restingReader) };
};

export const readerSteps: readonly Step[] = [
  reads,
  joinsAnEarlierFlight,
  readsTheDatabase,
  readsTheRowAfterAStaleMark,
  fillRuns,
  abandons,
];
