/** READ and FILL. A plain hit is no step here: it changes nothing, and properties.ts asks for it in every state. */
import { copiesSent, graceIsOver, type Move, type World } from "./moves.ts";
import * as redis from "./redis-scripts.ts";
import { type Reader, readerName, restingReader, type State, withReader } from "./state.ts";

type Step = (state: State, reader: Reader, world: World) => Move | null;

/** READ, the script: resets a foreign hash; MISS gives the token and the epoch; ASK or a value gives nothing. */
const reads: Step = (state, reader, world) => {
  if (reader.at !== "start" && reader.at !== "joined") return null;
  const hash = redis.read(state, world.repairs);
  if (hash.marked) {
    const label = `${readerName(reader)}: READ finds the hash marked as stale`;
    return { label, next: withReader({ ...state, hash }, reader, { ...restingReader, at: "stale" }) };
  }
  const asks = hash.markers !== 0 && world.repairs.readAsksUnderMarker;
  const name = readerName(reader);
  if (asks || hash.value !== null) {
    if (hash === state.hash) return null;
    return { label: `${name}: READ resets the hash, no MISS`, next: { ...state, hash } };
  }
  const missed = { token: hash.token, epoch: hash.epoch };
  const change: Partial<Reader> =
    reader.at === "start"
      ? { ...missed, at: "missed" }
      : { ...missed, at: "filling", fillsInFlight: copiesSent(world) };
  const label = `${name}: READ answers MISS${reader.at === "start" ? "" : ", fills what it had joined"}`;
  return { label, next: withReader({ ...state, hash }, reader, change) };
};

/** Left out `readsAfterMiss`: before its READ, the reader takes the answer of a statement on its way. */
const joinsAnEarlierFlight: Step = (state, reader, { repairs }) => {
  if (repairs.readsAfterMiss || reader.at !== "start") return null;
  const next = withReader(state, reader, { at: "joined", value: state.row });
  return { label: `${readerName(reader)}: joins a statement that read ${state.row}`, next };
};

/** After a MISS: reads the primary, and sends FILL if the grace was over before it asked. */
const readsTheDatabase: Step = (state, reader, world) => {
  if (reader.at !== "missed") return null;
  const value = world.repairs.readsPrimary ? state.row : state.replicaRow;
  const name = readerName(reader);
  if (world.repairs.graceBeforeRead && !graceIsOver(state, reader.epoch, world.repairs)) return null;
  const next = withReader(state, reader, { at: "filling", value, fillsInFlight: copiesSent(world) });
  return { label: `${name}: reads ${value} from the database, sends FILL`, next };
};

/** After a READ that found the hash marked: reads the row, takes the mark away, and fills nothing. */
const readsTheRowOfAMarkedHash: Step = (state, reader) => {
  if (reader.at !== "stale") return null;
  const hash = state.hash && { ...state.hash, marked: false };
  const next = withReader({ ...state, hash, unread: false }, reader, restingReader);
  return { label: `${readerName(reader)}: reads ${state.row} and clears the mark`, next };
};

/** FILL runs, late or twice or in time. Left out `graceBeforeRead`: the grace is looked at only now. */
const fillRuns: Step = (state, reader, { repairs }) => {
  if (reader.fillsInFlight === 0) return null;
  if (!repairs.graceBeforeRead && !graceIsOver(state, reader.epoch, repairs)) return null;
  const hash = redis.fill(state, reader, repairs);
  const left = reader.fillsInFlight - 1;
  const next = withReader({ ...state, hash }, reader, left === 0 ? restingReader : { fillsInFlight: left });
  const outcome = hash === state.hash ? "is refused" : `stores ${reader.value}`;
  return { label: `Redis: FILL of ${readerName(reader)} ${outcome}`, next };
};

/** A reader may stop anywhere: it crashes, may not fill within the grace, or its FILL is lost. */
const abandons: Step = (state, reader) => {
  if (reader.at === "start") return null;
  return { label: `${readerName(reader)}: gives up`, next: withReader(state, reader, restingReader) };
};

export const readerSteps: readonly Step[] = [
  reads,
  joinsAnEarlierFlight,
  readsTheDatabase,
  readsTheRowOfAMarkedHash,
  fillRuns,
  abandons,
];
