/** SET, step by step. Each function is one step of a writer, or the arrival of one of its messages. */
import { copiesSent, graceIsOver, type Move, type World } from "./moves.ts";
import { brokenByAcknowledging, brokenByCommit, brokenByMark } from "./properties.ts";
import * as redis from "./redis-scripts.ts";
import type { Rules } from "./rules.ts";
import { markerOf, nameOf, noEpoch, noToken, nothing, type State, type Writer, withWriter } from "./state.ts";

export type Step = (state: State, writer: Writer, world: World) => Move | null;

/** Step 1: reads the old value and the database's clock. A set that changes nothing does not continue. */
const readsTheRow: Step = (state, writer, world) => {
  if (writer.at !== "start") return null;
  const began = { old: state.row, held: state.row === writer.value, afterOutside: state.outsideAdmitted };
  if (state.row !== writer.value) {
    const change = { ...began, epochsBefore: state.epochs, beginsInFlight: copiesSent(world) };
    const label = `${nameOf(writer)}: step 1, reads ${state.row}, will write ${writer.value}; sends BEGIN`;
    return { label, next: withWriter(state, writer, { ...change, at: "beginning" }) };
  }
  const label = `${nameOf(writer)}: step 1, the row already holds ${state.row}`;
  if (!world.rules.purgesUnchanged) return { label, next: acknowledged(state, { ...writer, ...began }) };
  return { label, next: withWriter(state, writer, { ...began, at: "purging" }) };
};

/** Step 1 if nothing changes: purges the hash, unless it is a hit with that value. */
const purges: Step = (state, writer, { rules }) => {
  if (writer.at !== "purging") return null;
  const settled = redis.hit(state, rules) === writer.value;
  const hash = settled ? state.hash : redis.purge(state, rules);
  if (!settled && hash?.lock && rules.unchangedHeedsLock) {
    const label = `${nameOf(writer)}: purges the hash, there is a write lock, 503`;
    return { label, next: answered({ ...state, hash }, writer, "not done") };
  }
  if (!settled && rules.unchangedReadsAgain) {
    const label = `${nameOf(writer)}: purges the hash`;
    return { label, next: withWriter({ ...state, hash }, writer, { at: "purged" }) };
  }
  const label = settled ? "the hash also holds that value, 204" : "purges the hash, 204";
  return { label: `${nameOf(writer)}: ${label}`, next: acknowledged({ ...state, hash }, writer) };
};

/** Step 1 after the purge: reads the row again, since a push may have written it before. */
const readsTheRowAgain: Step = (state, writer, world) => {
  if (writer.at !== "purged") return null;
  const label = `${nameOf(writer)}: reads ${state.row} again`;
  if (state.row === writer.value) return { label: `${label}, 204`, next: acknowledged(state, writer) };
  const change = { old: state.row, epochsBefore: state.epochs, beginsInFlight: copiesSent(world) };
  return { label: `${label}; sends BEGIN`, next: withWriter(state, writer, { ...change, at: "beginning" }) };
};

/** Step 2: BEGIN runs, possibly late or twice. A writer that waits for it receives the reply. */
const beginRuns: Step = (state, writer, { rules }) => {
  if (writer.beginsInFlight === 0) return null;
  const left = { beginsInFlight: writer.beginsInFlight - 1 };
  const waits = writer.at === "beginning";
  const begun = redis.begin(state, writer, rules);
  if (begun === null) return refusedByLock(state, writer, "not done");
  const { hash, solo, found } = begun;
  const answer = { ...left, at: "begun", epoch: state.home, token: hash.token, solo, found } as const;
  const next = withWriter({ ...state, hash }, writer, waits ? answer : left);
  const when = waits ? (solo ? "it is the only writer" : "there is another writer") : "nobody waits for it";
  return { label: `Redis: BEGIN of ${nameOf(writer)} runs, ${when}`, next };
};

/** Step 2 while a push has the write lock: BEGIN has changed nothing, so there is no END. */
export function refusedByLock(state: State, writer: Writer, answer: Writer["answer"]): Move {
  const left = { beginsInFlight: writer.beginsInFlight - 1 };
  const waits = writer.at === "beginning";
  const change = waits ? ({ ...left, at: "answered", answer } as const) : left;
  const label = `Redis: BEGIN of ${nameOf(writer)} is refused under the write lock${waits ? ", 503" : ""}`;
  return { label, next: withWriter(state, writer, change) };
}

/** Step 2 with BEGIN sent twice: the first reply is lost, and the writer waits for the second. */
const beginRunsWithoutReply: Step = (state, writer, { rules }) => {
  if (writer.beginsInFlight < 2 || writer.at !== "beginning") return null;
  const hash = redis.begin(state, writer, rules)?.hash ?? state.hash;
  const next = withWriter({ ...state, hash }, writer, { beginsInFlight: 1 });
  return { label: `Redis: BEGIN of ${nameOf(writer)} runs, its reply is lost; sent again`, next };
};

/** Step 2 without a reply: the database is not touched, and END without a fill is tried once. */
const givesUpOnBegin: Step = (state, writer, world) => {
  if (writer.at !== "beginning") return null;
  if (world.rules.beginBeforeUpdate) {
    const label = `${nameOf(writer)}: no reply to BEGIN, 503; sends END`;
    return { label, next: answered(state, { ...writer, epoch: noEpoch }, "not done", copiesSent(world)) };
  }
  const label = `${nameOf(writer)}: no reply to BEGIN; sends UPDATE anyway`;
  return { label, next: withWriter(state, writer, { at: "updating", updatesInFlight: 1 }) };
};

/**
 * Step 3: the caller may have read a value that the row did not hold, because there is a stale mark, or because BEGIN
 * removed another value.
 */
const refusesAStaleValue: Step = (state, writer, world) => {
  if (writer.at !== "begun" && writer.at !== "refused") return null;
  const { rules } = world;
  const refused = { ...writer, solo: false };
  if (writer.at === "begun" && state.hash?.marked && rules.setHeedsMark) {
    const label = `${nameOf(writer)}: the hash has a stale mark, 503; sends END`;
    return { label, next: answered(state, refused, "not done", copiesSent(world)) };
  }
  const isRefused = writer.at === "refused";
  if (!contradicts(isRefused ? { ...writer, old: state.row } : writer, rules)) return null;
  const name = `${nameOf(writer)}: BEGIN removed ${writer.found}, reads again ${state.row}`;
  if (state.row === writer.found)
    return { label: name, next: withWriter(state, writer, { at: "begun", old: state.row }) };
  const token = rules.markChecksToken ? writer.token : (state.hash?.token ?? noToken);
  const hash = redis.markStale(state, token, rules);
  if (hash === null) {
    const change = isRefused ? { found: nothing } : { old: state.row, found: nothing };
    return { label: `${name}, another write has begun`, next: withWriter(state, writer, change) };
  }
  const broken = state.broken ?? brokenByMark(world.configuration);
  const marked = { ...state, hash, unread: true, broken };
  const label = `${name}, sets the stale mark, 503; sends END`;
  return { label, next: answered(marked, refused, "not done", copiesSent(world)) };
};

const contradicts = ({ found, old }: Writer, { setComparesFound }: Rules): boolean =>
  setComparesFound && found !== nothing && found !== old;

/** Step 4, unless step 3 forbids it. */
const sendsUpdate: Step = (state, writer, world) => {
  if (writer.at !== "begun" || contradicts(writer, world.rules)) return null;
  if (state.hash?.marked && world.rules.setHeedsMark) return null;
  return updateSent(state, writer, world);
};

/**
 * Step 4: sends the UPDATE. From then on, `solo` means that END may fill: there is no other writer, and the grace is
 * over.
 */
export function updateSent(state: State, writer: Writer, { rules }: World): Move {
  const solo = writer.solo && (graceIsOver(state, writer.epoch, rules) || !rules.graceBeforeUpdate);
  const updatesInFlight = rules.updateSentOnce ? 1 : 2;
  const label = `${nameOf(writer)}: step 4, sends UPDATE ${writer.old} to ${writer.value}`;
  const clock = rules.clockBeforeBegin ? {} : { pastDeadline: false, epochsBefore: state.epochs };
  return { label, next: withWriter(state, writer, { ...clock, at: "updating", solo, updatesInFlight }) };
}

/**
 * Step 4 in the database: compare-and-set before the deadline. If the client no longer waits, the UPDATE arrives late.
 */
export const updateRuns: Step = (state, writer, world) => {
  if (writer.updatesInFlight === 0) return null;
  const { rules } = world;
  const waits = writer.at === "updating";
  const sent = { ...writer, updatesInFlight: writer.updatesInFlight - 1 };
  const matches = state.row === writer.old || !rules.compareAndSet;
  const label = `database: UPDATE of ${nameOf(writer)} runs${waits ? "" : " late"}`;
  if (!matches || (writer.pastDeadline && rules.refusesAfterDeadline)) {
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

/** Steps 5 and 6: reads the row back, and sends END with what it holds. */
export const readsTheRowBack: Step = (state, writer, world) => {
  if (writer.at !== "committed") return null;
  const stores = world.rules.endStoresRow ? state.row : writer.value;
  const label = `${nameOf(writer)}: reads back ${state.row}`;
  if (state.row === writer.value)
    return {
      label: `${label}, 204; sends END`,
      next: acknowledged(state, { ...writer, stores }, copiesSent(world)),
    };
  const next = answered(state, { ...writer, stores }, "unknown", copiesSent(world));
  return { label: `${label}, 503; sends END`, next };
};

/**
 * Step 5 after 0 rows: if the deadline has passed or no attempt is left, the write is known not to be done. Otherwise
 * it reads again and retries.
 */
const retries: Step = (state, writer, world) => {
  if (writer.at !== "refused" || contradicts({ ...writer, old: state.row }, world.rules)) return null;
  const late = writer.pastDeadline && world.rules.oneDeadline;
  if (late || writer.rereadsLeft === 0) {
    const label = `${nameOf(writer)}: known not done, 503; sends END`;
    return { label, next: answered(state, { ...writer, solo: false }, "not done", copiesSent(world)) };
  }
  const change = { at: "updating", old: state.row, rereadsLeft: writer.rereadsLeft - 1 } as const;
  const label = `${nameOf(writer)}: reads again ${state.row}, sends UPDATE ${state.row} to ${writer.value}`;
  return { label, next: withWriter(state, writer, { ...change, pastDeadline: false, updatesInFlight: 1 }) };
};

/** Step 7: without a reply, the outcome is unknown. The UPDATE may still take effect, or never. */
const givesUpOnUpdate: Step = (state, writer, world) => {
  if (writer.at !== "updating") return null;
  const label = `${nameOf(writer)}: no reply to UPDATE`;
  if (world.rules.lostReplyIsUnknown)
    return { label: `${label}, outcome unknown`, next: withWriter(state, writer, { at: "unknown" }) };
  const next = answered(state, { ...writer, solo: false }, "not done", copiesSent(world));
  return { label: `${label}, assumes that it was not done; sends END`, next };
};

/** Step 7: answers 204 only if the primary holds the value. There is no END, so the marker stays. */
const readsBack: Step = (state, writer, world) => {
  if (writer.at !== "unknown") return null;
  const { endNotAfterUnknown, readsBack: checks } = world.rules;
  const ends = endNotAfterUnknown ? 0 : copiesSent(world);
  const quiet = { ...writer, solo: false };
  if (state.row === writer.value || !checks)
    return {
      label: `${nameOf(writer)}: reads back ${state.row}, 204`,
      next: acknowledged(state, quiet, ends),
    };
  const label = `${nameOf(writer)}: reads back ${state.row}, 503${ends > 0 ? "; sends END" : ""}`;
  return { label, next: answered(state, quiet, "unknown", ends) };
};

/** Step 6: END runs, possibly late or twice. */
export const endRuns: Step = (state, writer, { rules }) => {
  if (writer.endsInFlight === 0) return null;
  const mayStillFill = rules.graceBeforeUpdate || graceIsOver(state, writer.epoch, rules);
  const hash = redis.end(state, writer, writer.solo && mayStillFill, rules);
  const evictedAdmitted = state.evictedAdmitted & ~markerOf(writer);
  const ran = { ...state, hash, evictedAdmitted };
  const next = withWriter(ran, writer, { endsInFlight: writer.endsInFlight - 1 });
  const filled = hash !== null && hash.value !== null && state.hash?.value === null;
  return { label: `Redis: END of ${nameOf(writer)} runs${filled ? ` and fills ${hash.value}` : ""}`, next };
};

export const writerSteps: readonly Step[] = [
  readsTheRow,
  purges,
  readsTheRowAgain,
  beginRuns,
  beginRunsWithoutReply,
  givesUpOnBegin,
  refusesAStaleValue,
  sendsUpdate,
  updateRuns,
  readsTheRowBack,
  retries,
  givesUpOnUpdate,
  readsBack,
  endRuns,
];

export function answered(state: State, writer: Writer, answer: Writer["answer"], endsInFlight = 0): State {
  return withWriter(state, writer, { at: "answered", answer, endsInFlight });
}

/** Answers 204. A set that began after an outside write ends the staleness that was admitted for that write. */
function acknowledged(state: State, writer: Writer, endsInFlight = 0): State {
  const broken = state.broken ?? brokenByAcknowledging(state, writer);
  const outsideAdmitted = state.outsideAdmitted && !writer.afterOutside;
  return answered({ ...state, broken, outsideAdmitted }, writer, "done", endsInFlight);
}

/** Changes the row. Every set in flight with this value has then seen the database hold it. */
export function rowBecomes(state: State, row: number, { rules }: World): State {
  const writers = state.writers.map((writer) =>
    writer.value === row && writer.at !== "start" && writer.at !== "answered"
      ? { ...writer, held: true }
      : writer,
  );
  return { ...state, row, replicaRow: rules.readsPrimary ? row : state.replicaRow, writers };
}
