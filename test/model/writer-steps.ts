/** SET, step by step. Each function is one step of one writer, or one of its messages landing. */
import { copiesSent, graceIsOver, type Move, type World } from "./moves.ts";
import { brokenByAcknowledging, brokenByCommit, brokenByMark } from "./properties.ts";
import * as redis from "./redis-scripts.ts";
import type { Repairs } from "./repairs.ts";
import { markerOf, nameOf, noEpoch, noToken, nothing, type State, type Writer, withWriter } from "./state.ts";

type Step = (state: State, writer: Writer, world: World) => Move | null;

/** Step 1: SELECT the old value and the database's clock. A set that changes nothing goes no further. */
const readsTheRow: Step = (state, writer, world) => {
  if (writer.at !== "start") return null;
  const began = { old: state.row, held: state.row === writer.value, afterOutside: state.outsideAdmitted };
  if (state.row !== writer.value) {
    const change = { ...began, epochsBefore: state.epochs, beginsInFlight: copiesSent(world) };
    const label = `${nameOf(writer)}: step 1, reads ${state.row}, is to write ${writer.value}; sends BEGIN`;
    return { label, next: withWriter(state, writer, { ...change, at: "beginning" }) };
  }
  const label = `${nameOf(writer)}: step 1, the row holds ${state.row} already`;
  if (!world.repairs.purgesUnchanged) return { label, next: acknowledged(state, { ...writer, ...began }) };
  return { label, next: withWriter(state, writer, { ...began, at: "purging" }) };
};

/** Step 1, nothing to change: purge, unless the hash is a hit with that value. */
const purges: Step = (state, writer, { repairs }) => {
  if (writer.at !== "purging") return null;
  const settled = redis.hit(state, repairs) === writer.value;
  const hash = settled ? state.hash : redis.purge(state, repairs);
  const label = settled ? "the hash holds that value too, 204" : "purges the hash, 204";
  return { label: `${nameOf(writer)}: ${label}`, next: acknowledged({ ...state, hash }, writer) };
};

/** Step 2: BEGIN runs, late or twice or in time; whoever waits for it has the answer. */
const beginRuns: Step = (state, writer, { repairs }) => {
  if (writer.beginsInFlight === 0) return null;
  const { hash, solo, found } = redis.begin(state, writer, repairs);
  const left = { beginsInFlight: writer.beginsInFlight - 1 };
  const waits = writer.at === "beginning";
  const answer = { ...left, at: "begun", epoch: state.home, token: hash.token, solo, found } as const;
  const next = withWriter({ ...state, hash }, writer, waits ? answer : left);
  const when = waits ? (solo ? "answers solo" : "answers not solo") : "nobody waits for it";
  return { label: `Redis: BEGIN of ${nameOf(writer)} runs, ${when}`, next };
};

/** Step 2 with a resent BEGIN: the first run's reply is lost, the writer waits for the second. */
const beginRunsUnheard: Step = (state, writer, { repairs }) => {
  if (writer.beginsInFlight < 2 || writer.at !== "beginning") return null;
  const { hash } = redis.begin(state, writer, repairs);
  const next = withWriter({ ...state, hash }, writer, { beginsInFlight: 1 });
  return { label: `Redis: BEGIN of ${nameOf(writer)} runs, its reply is lost; sent again`, next };
};

/** Step 2 without an answer: the database is not touched; END without fill is tried once. */
const givesUpOnBegin: Step = (state, writer, world) => {
  if (writer.at !== "beginning") return null;
  if (world.repairs.beginBeforeUpdate) {
    const label = `${nameOf(writer)}: no answer to BEGIN, 503; sends END`;
    return { label, next: answered(state, { ...writer, epoch: noEpoch }, "not done", copiesSent(world)) };
  }
  const label = `${nameOf(writer)}: no answer to BEGIN; sends UPDATE all the same`;
  return { label, next: withWriter(state, writer, { at: "updating", updatesInFlight: 1 }) };
};

/** Step 3: what the caller has read may not be what the row held, since the hash is marked, or BEGIN dropped another value. */
const refusesAStaleList: Step = (state, writer, world) => {
  if (writer.at !== "begun" && writer.at !== "refused") return null;
  const { repairs } = world;
  const refused = { ...writer, solo: false };
  if (writer.at === "begun" && state.hash?.marked && repairs.setHeedsMark) {
    const label = `${nameOf(writer)}: the hash is marked as stale, 503; sends END`;
    return { label, next: answered(state, refused, "not done", copiesSent(world)) };
  }
  const isRefused = writer.at === "refused";
  if (!contradicts(isRefused ? { ...writer, old: state.row } : writer, repairs)) return null;
  const name = `${nameOf(writer)}: BEGIN dropped ${writer.found}, reads again ${state.row}`;
  if (state.row === writer.found)
    return { label: name, next: withWriter(state, writer, { at: "begun", old: state.row }) };
  const token = repairs.markChecksToken ? writer.token : (state.hash?.token ?? noToken);
  const hash = redis.markStale(state, token, repairs);
  if (hash === null) {
    const change = isRefused ? { found: nothing } : { old: state.row, found: nothing };
    return { label: `${name}, another has written`, next: withWriter(state, writer, change) };
  }
  const broken = state.broken ?? brokenByMark(world.configuration);
  const marked = { ...state, hash, unread: true, broken };
  const label = `${name}, marks the hash, 503; sends END`;
  return { label, next: answered(marked, refused, "not done", copiesSent(world)) };
};

const contradicts = ({ found, old }: Writer, { setComparesFound }: Repairs): boolean =>
  setComparesFound && found !== nothing && found !== old;

/** Step 3: sends UPDATE. From here on `solo` says whether END may fill: nobody else, and the grace over. */
const sendsUpdate: Step = (state, writer, { repairs }) => {
  if (writer.at !== "begun" || contradicts(writer, repairs)) return null;
  if (state.hash?.marked && repairs.setHeedsMark) return null;
  const solo = writer.solo && (graceIsOver(state, writer.epoch, repairs) || !repairs.graceBeforeUpdate);
  const updatesInFlight = repairs.updateSentOnce ? 1 : 2;
  const label = `${nameOf(writer)}: step 3, sends UPDATE ${writer.old} to ${writer.value}`;
  const clock = repairs.clockBeforeBegin ? {} : { fenced: false, epochsBefore: state.epochs };
  return { label, next: withWriter(state, writer, { ...clock, at: "updating", solo, updatesInFlight }) };
};

/** Step 3 in the database: compare-and-set behind the fence. Without a client that waits, it lands late. */
const updateRuns: Step = (state, writer, world) => {
  if (writer.updatesInFlight === 0) return null;
  const { repairs } = world;
  const waits = writer.at === "updating";
  const sent = { ...writer, updatesInFlight: writer.updatesInFlight - 1 };
  const matches = state.row === writer.old || !repairs.compareAndSet;
  const label = `database: UPDATE of ${nameOf(writer)} runs${waits ? "" : " late"}`;
  if (!matches || (writer.fenced && repairs.fence)) {
    const next = withWriter(state, sent, waits ? { at: "refused" } : {});
    return { label: `${label}, 0 rows (${matches ? "past its deadline" : `the row is ${state.row}`})`, next };
  }
  const broken = brokenByCommit(state, writer, world.configuration);
  const { oneBecomes } = world.configuration;
  const row = writer.value === 1 && oneBecomes !== null ? oneBecomes : writer.value;
  const written = { ...rowBecomes(withWriter(state, sent, {}), row, world), broken };
  const held = sent.held || row === writer.value;
  const next = waits ? withWriter(written, sent, { at: "committed", held }) : written;
  return { label: `${label}, commits ${row}`, next };
};

/** Step 5 and 6: reads the row back, and sends END with what it holds. */
const readsTheRowBack: Step = (state, writer, world) => {
  if (writer.at !== "committed") return null;
  const stores = world.repairs.endStoresRow ? state.row : writer.value;
  const label = `${nameOf(writer)}: reads back ${state.row}`;
  if (state.row === writer.value)
    return {
      label: `${label}, 204; sends END`,
      next: acknowledged(state, { ...writer, stores }, copiesSent(world)),
    };
  const next = answered(state, { ...writer, stores }, "unknown", copiesSent(world));
  return { label: `${label}, 503; sends END`, next };
};

/** Step 3 after 0 rows: past the deadline or out of tries it is known not done, else read again and retry. */
const triesAgain: Step = (state, writer, world) => {
  if (writer.at !== "refused" || contradicts({ ...writer, old: state.row }, world.repairs)) return null;
  const late = writer.fenced && world.repairs.oneDeadline;
  if (late || writer.rereadsLeft === 0) {
    const label = `${nameOf(writer)}: known not done, 503; sends END`;
    return { label, next: answered(state, { ...writer, solo: false }, "not done", copiesSent(world)) };
  }
  const change = { at: "updating", old: state.row, rereadsLeft: writer.rereadsLeft - 1 } as const;
  const label = `${nameOf(writer)}: reads again ${state.row}, sends UPDATE ${state.row} to ${writer.value}`;
  return { label, next: withWriter(state, writer, { ...change, fenced: false, updatesInFlight: 1 }) };
};

/** Step 3 without a reply: the outcome is unknown, and the UPDATE may still land or never. */
const givesUpOnUpdate: Step = (state, writer, world) => {
  if (writer.at !== "updating") return null;
  const label = `${nameOf(writer)}: no reply to UPDATE`;
  if (world.repairs.lostReplyIsUnknown)
    return { label: `${label}, outcome unknown`, next: withWriter(state, writer, { at: "unknown" }) };
  const next = answered(state, { ...writer, solo: false }, "not done", copiesSent(world));
  return { label: `${label}, taken as not done; sends END`, next };
};

/** Step 4 after an unknown outcome: 204 iff the primary holds the value; no END, so the marker stays. */
const readsBack: Step = (state, writer, world) => {
  if (writer.at !== "unknown") return null;
  const { endNotAfterUnknown, readsBack: looks } = world.repairs;
  const ends = endNotAfterUnknown ? 0 : copiesSent(world);
  const quiet = { ...writer, solo: false };
  if (state.row === writer.value || !looks)
    return {
      label: `${nameOf(writer)}: reads back ${state.row}, 204`,
      next: acknowledged(state, quiet, ends),
    };
  const label = `${nameOf(writer)}: reads back ${state.row}, 503${ends > 0 ? "; sends END" : ""}`;
  return { label, next: answered(state, quiet, "unknown", ends) };
};

/** Step 4: END runs, late or twice or in time. */
const endRuns: Step = (state, writer, { repairs }) => {
  if (writer.endsInFlight === 0) return null;
  const graceLookedAt = repairs.graceBeforeUpdate || graceIsOver(state, writer.epoch, repairs);
  const hash = redis.end(state, writer, writer.solo && graceLookedAt, repairs);
  const evictedAdmitted = state.evictedAdmitted & ~markerOf(writer);
  const ran = { ...state, hash, evictedAdmitted };
  const next = withWriter(ran, writer, { endsInFlight: writer.endsInFlight - 1 });
  const filled = hash !== null && hash.value !== null && state.hash?.value === null;
  return { label: `Redis: END of ${nameOf(writer)} runs${filled ? ` and fills ${hash.value}` : ""}`, next };
};

export const writerSteps: readonly Step[] = [
  readsTheRow,
  purges,
  beginRuns,
  beginRunsUnheard,
  givesUpOnBegin,
  refusesAStaleList,
  sendsUpdate,
  updateRuns,
  readsTheRowBack,
  triesAgain,
  givesUpOnUpdate,
  readsBack,
  endRuns,
];

function answered(state: State, writer: Writer, answer: Writer["answer"], endsInFlight = 0): State {
  return withWriter(state, writer, { at: "answered", answer, endsInFlight });
}

/** 204. A set that began after an outside write has ended the staleness that was admitted for that write. */
function acknowledged(state: State, writer: Writer, endsInFlight = 0): State {
  const broken = state.broken ?? brokenByAcknowledging(writer);
  const outsideAdmitted = state.outsideAdmitted && !writer.afterOutside;
  return answered({ ...state, broken, outsideAdmitted }, writer, "done", endsInFlight);
}

/** The row changes: every set under way with this value has seen it held. */
export function rowBecomes(state: State, row: number, { repairs }: World): State {
  const writers = state.writers.map((writer) =>
    writer.value === row && writer.at !== "start" && writer.at !== "answered"
      ? { ...writer, held: true }
      : writer,
  );
  return { ...state, row, replicaRow: repairs.readsPrimary ? row : state.replicaRow, writers };
}
