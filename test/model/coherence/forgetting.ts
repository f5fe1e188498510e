import type { World } from "./moves.ts";
import type { Rules } from "./rules.ts";
import {
  type Hash,
  noEpoch,
  noToken,
  nothing,
  type PushTokens,
  type Reader,
  restingReader,
  type State,
  type Writer,
  withoutObsolete,
} from "./state.ts";

/**
 * Returns the state without the parts that no later step can observe, so that states which differ only in these are
 * merged. A lease token that is in no hash is useless, and so is an epoch that cannot return. Of a hash of another
 * epoch only the markers count. If the grace of the youngest epoch is over, so is that of the older ones.
 *
 * If a rule is left out, the parts that rely on it are kept. `run.ts --deep` also searches without any merging.
 */
export function forgetting(state: State, { rules, forgets }: World): State {
  if (!forgets) return state;
  const ignoresForeign = foreignHashesAreUseless(rules);
  const hash =
    ignoresForeign && !mayComeBack(state, state.hash?.epoch) ? withoutValue(state.hash) : state.hash;
  const snapshot =
    ignoresForeign && !mayBeRestoredTo(state, state.snapshot?.epoch)
      ? withoutValue(state.snapshot)
      : state.snapshot;
  const isObsolete = (token: number) =>
    tokensAreUnique(rules) && token !== hash?.token && token !== snapshot?.token;
  const everyEpoch = (1 << state.epochs) - 1;
  const graceOver = state.graceOver & (1 << (state.epochs - 1)) ? everyEpoch : state.graceOver;
  const calm = graceOver === everyEpoch;
  return {
    ...state,
    graceOver,
    hash,
    snapshot,
    push: tokensOfPush(state, isObsolete),
    writers: writersBesidePush(state, rules).map((writer) =>
      ofWriter(writer, state, calm, isObsolete(writer.token), rules),
    ),
    readers: state.readers.map((reader) => ofReader(reader, state, isObsolete(reader.token), rules)),
  };
}

/** Returns whether tokens never repeat, so that they can be compared by identity alone. */
export function tokensAreUnique({ tokenNeverRepeats, beginTokenPerRun, endTokenPerRun }: Rules): boolean {
  return tokenNeverRepeats && beginTokenPerRun && endTokenPerRun;
}

/** Returns whether nothing can use the value and the lease token of a hash of another epoch. */
function foreignHashesAreUseless(rules: Rules): boolean {
  const { hitChecksEpoch, hitFromItsServer, resetDropsValue, resetRenewsToken } = rules;
  const { fillChecksEpoch, endRefusesForeignEpoch } = rules;
  const unseen = hitChecksEpoch && hitFromItsServer && resetDropsValue && resetRenewsToken;
  return unseen && fillChecksEpoch && endRefusesForeignEpoch && tokensAreUnique(rules);
}

function withoutValue(hash: Hash | null): Hash | null {
  return hash && { ...hash, epoch: noEpoch, token: noToken, value: null };
}

function ofWriter(writer: Writer, state: State, calm: boolean, isObsolete: boolean, rules: Rules): Writer {
  const foreign =
    writer.epoch !== noEpoch && rules.endRefusesForeignEpoch && !mayComeBack(state, writer.epoch);
  const solo = writer.solo && !foreign && !(isObsolete && rules.endChecksToken);
  const epochsBefore = calm ? 0 : writer.epochsBefore;
  const epoch = foreign ? noEpoch : writer.epoch;
  const found = isObsolete && rules.markChecksToken ? nothing : writer.found;
  const token = solo || found !== nothing ? writer.token : noToken;
  const isSame = epochsBefore === writer.epochsBefore && epoch === writer.epoch && found === writer.found;
  if (isSame && token === writer.token) return writer;
  return { ...writer, epochsBefore, epoch, token, solo, found };
}

function ofReader(reader: Reader, state: State, isObsolete: boolean, rules: Rules): Reader {
  if (reader.at !== "missed" && reader.at !== "filling") return reader;
  const foreign = rules.fillChecksEpoch && !mayComeBack(state, reader.epoch);
  return foreign || (isObsolete && rules.fillChecksToken) ? { id: reader.id, ...restingReader } : reader;
}

/** Returns whether the server of the key has this epoch, or may have it again after resharding. */
function mayComeBack(state: State, epoch = noEpoch): boolean {
  return epoch === state.home || mayBeRestoredTo(state, epoch);
}

/**
 * Returns whether the key may still move to a running server of this epoch, with a snapshot that another server has
 * restored.
 */
function mayBeRestoredTo({ home, live, faults }: State, epoch = noEpoch): boolean {
  return faults.migrations > 0 && epoch !== home && epoch !== noEpoch && (live & (1 << epoch)) !== 0;
}

/** The lease tokens of a push count only while a BEGIN of it may still run. */
function tokensOfPush({ push, writers }: State, isObsolete: (token: number) => boolean): PushTokens | null {
  if (push === null) return null;
  const begins = writers.some(
    ({ run, at, beginsInFlight }) => run > 0 && (at === "start" || beginsInFlight > 0),
  );
  const kept = (token: number) => (begins && !isObsolete(token) ? token : noToken);
  return { listed: kept(push.listed), own: kept(push.own) };
}

/**
 * If there is a push, an UPDATE of an earlier run counts only before its deadline. Of the answers, it counts only which
 * UPDATE in flight has which, and which sets the push must not overwrite any more.
 */
function writersBesidePush({ push, writers }: State, rules: Rules): readonly Writer[] {
  if (push === null) return writers;
  const isOver = ({ run, at, updatesInFlight, pastDeadline }: Writer) =>
    at === "answered" && (updatesInFlight === 0 || (run > 0 && pastDeadline && rules.refusesAfterDeadline));
  const mayWrite = writers.some((writer) => writer.run > 0 && !isOver(writer));
  return writers.map((writer) => {
    if (!isOver(writer)) return writer;
    const counts = mayWrite && writer.run === 0 && writer.answer === "done";
    return withoutObsolete({ ...writer, updatesInFlight: 0, answer: counts ? "done" : "unknown" });
  });
}
