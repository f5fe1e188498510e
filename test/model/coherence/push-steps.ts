/**
 * `sync push`, step by step. Each run of a push is a SET with conditions, and its steps 4 to 6 are those of a writer.
 *
 * The next run may begin at any time, since a push may be killed or get no answer. The earlier run then takes no further
 * step, but what it has sent may still arrive.
 */
import { copiesSent } from "./moves.ts";
import * as redis from "./redis-scripts.ts";
import { nameOf, type State, type Writer, withWriter } from "./state.ts";
import {
  answered,
  endRuns,
  readsTheRowBack,
  refusedByLock,
  type Step,
  updateRuns,
  updateSent,
} from "./writer-steps.ts";

/** The value of the row that the push has listed. */
const listedRow = 0;

/** Step 1: reads the row. The push continues only if the row holds what was listed. */
const readsTheRow: Step = (state, run, world) => {
  const earlier = state.writers.find((other) => other.run === run.run - 1 && other.run > 0);
  if (run.at !== "start" || earlier?.at === "start") return null;
  const began = earlier === undefined ? state : stopped(state, earlier);
  const label = `${nameOf(run)}: step 1, reads ${state.row}`;
  if (state.row === run.value)
    return { label: `${label}, which is what it writes`, next: answered(began, run, "done") };
  if (state.row !== listedRow)
    return { label: `${label}, gives up`, next: answered(began, run, givenUp(run)) };
  const change = { at: "beginning", old: state.row, afterOutside: state.outsideAdmitted } as const;
  const sent = { epochsBefore: state.epochs, beginsInFlight: copiesSent(world) };
  return { label: `${label}; sends BEGIN`, next: withWriter(began, run, { ...change, ...sent }) };
};

/** Ends a run without END. */
const stopped = (state: State, run: Writer): State =>
  run.at === "answered" ? state : answered(state, run, "unknown");

/** Step 2: BEGIN runs, possibly late or twice. A push that does not continue sends END. */
const beginRuns: Step = (state, run, world) => {
  if (run.beginsInFlight === 0) return null;
  const begun = redis.beginPush(state, run, world.rules);
  if (begun === null) return refusedByLock(state, run, givenUp(run));
  const { hash, solo, continues } = begun;
  const left = { beginsInFlight: run.beginsInFlight - 1 };
  const ran = withOwnToken(state, begun);
  const label = `Redis: BEGIN of ${nameOf(run)} runs`;
  if (run.at !== "beginning")
    return { label: `${label}, nobody waits for it`, next: withWriter(ran, run, left) };
  const reply = { ...left, epoch: state.home, token: hash.token, solo };
  if (continues) return { label, next: withWriter(ran, run, { ...reply, at: "begun" }) };
  const next = answered(ran, { ...run, ...reply, solo: false }, givenUp(run), copiesSent(world));
  return { label: `${label}, another write has begun, gives up; sends END`, next };
};

/** Step 2 with BEGIN sent twice: the first reply is lost, and the push waits for the second. */
const beginRunsWithoutReply: Step = (state, run, { rules }) => {
  if (run.beginsInFlight < 2 || run.at !== "beginning") return null;
  const begun = redis.beginPush(state, run, rules);
  const ran = begun === null ? state : withOwnToken(state, begun);
  const label = `Redis: BEGIN of ${nameOf(run)} runs, its reply is lost; sent again`;
  return { label, next: withWriter(ran, run, { beginsInFlight: 1 }) };
};

/** Step 4, whether or not there is a stale mark. */
const sendsUpdate: Step = (state, run, world) => (run.at === "begun" ? updateSent(state, run, world) : null);

/** Step 5 after 0 rows: the push does not try again. */
const givesUp: Step = (state, run, world) => {
  if (run.at !== "refused") return null;
  const next = answered(state, { ...run, solo: false }, givenUp(run), copiesSent(world));
  return { label: `${nameOf(run)}: gives up; sends END`, next };
};

/** An UPDATE of an earlier run may still take effect. */
const givenUp = ({ run }: Writer): Writer["answer"] => (run === 1 ? "not done" : "unknown");

function withOwnToken(state: State, { hash, continues }: redis.BegunPush): State {
  const push = state.push && continues ? { ...state.push, own: hash.token } : state.push;
  return { ...state, hash, push };
}

export const pushSteps: readonly Step[] = [
  readsTheRow,
  beginRuns,
  beginRunsWithoutReply,
  sendsUpdate,
  updateRuns,
  readsTheRowBack,
  givesUp,
  endRuns,
];
