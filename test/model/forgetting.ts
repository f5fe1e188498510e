import type { World } from "./moves.ts";
import type { Repairs } from "./repairs.ts";
import {
  type Hash,
  noEpoch,
  noToken,
  nothing,
  type Reader,
  restingReader,
  type State,
  type Writer,
} from "./state.ts";

/**
 * The same state without what can no longer matter to any step: states that differ in that only are one.
 * A token that is in no hash is held in vain, an epoch that cannot come back as well; a hash of a foreign epoch
 * counts for its markers only; once the youngest epoch's grace is over, so is that of the elder ones.
 * A rule left out switches off what relies on it. `run.ts --deep` searches without any of this as well.
 */
export function forgetting(state: State, { repairs, forgets }: World): State {
  if (!forgets) return state;
  const blind = foreignHashesAreBlind(repairs);
  const hash = blind && !mayComeBack(state, state.hash?.epoch) ? blinded(state.hash) : state.hash;
  const snapshot =
    blind && !mayBeRestoredTo(state, state.snapshot?.epoch) ? blinded(state.snapshot) : state.snapshot;
  const inVain = (token: number) => tokensTell(repairs) && token !== hash?.token && token !== snapshot?.token;
  const everyEpoch = (1 << state.epochs) - 1;
  const graceOver = state.graceOver & (1 << (state.epochs - 1)) ? everyEpoch : state.graceOver;
  const calm = graceOver === everyEpoch;
  return {
    ...state,
    graceOver,
    hash,
    snapshot,
    writers: state.writers.map((writer) => ofWriter(writer, state, calm, inVain(writer.token), repairs)),
    readers: state.readers.map((reader) => ofReader(reader, state, inVain(reader.token), repairs)),
  };
}

/** Tokens that never repeat can be compared by identity alone. */
export function tokensTell({ tokenNeverRepeats, beginTokenPerRun, endTokenPerRun }: Repairs): boolean {
  return tokenNeverRepeats && beginTokenPerRun && endTokenPerRun;
}

/** Whether v and t of a hash of another epoch can be of no use. */
function foreignHashesAreBlind(repairs: Repairs): boolean {
  const { hitChecksEpoch, hitFromItsServer, resetDropsValue, resetRenewsToken } = repairs;
  const { fillChecksEpoch, endRefusesForeignEpoch } = repairs;
  const unseen = hitChecksEpoch && hitFromItsServer && resetDropsValue && resetRenewsToken;
  return unseen && fillChecksEpoch && endRefusesForeignEpoch && tokensTell(repairs);
}

function blinded(hash: Hash | null): Hash | null {
  return hash && { epoch: noEpoch, token: noToken, value: null, markers: hash.markers, marked: hash.marked };
}

function ofWriter(writer: Writer, state: State, calm: boolean, inVain: boolean, repairs: Repairs): Writer {
  const foreign =
    writer.epoch !== noEpoch && repairs.endRefusesForeignEpoch && !mayComeBack(state, writer.epoch);
  const solo = writer.solo && !foreign && !(inVain && repairs.endChecksToken);
  const epochsBefore = calm ? 0 : writer.epochsBefore;
  const epoch = foreign ? noEpoch : writer.epoch;
  const found = inVain && repairs.markChecksToken ? nothing : writer.found;
  const token = solo || found !== nothing ? writer.token : noToken;
  const isSame = epochsBefore === writer.epochsBefore && epoch === writer.epoch && found === writer.found;
  if (isSame && token === writer.token) return writer;
  return { ...writer, epochsBefore, epoch, token, solo, found };
}

function ofReader(reader: Reader, state: State, inVain: boolean, repairs: Repairs): Reader {
  if (reader.at !== "missed" && reader.at !== "filling") return reader;
  const foreign = repairs.fillChecksEpoch && !mayComeBack(state, reader.epoch);
  return foreign || (inVain && repairs.fillChecksToken) ? { id: reader.id, ...restingReader } : reader;
}

/** Whether the key's server has this epoch, or may have it again after resharding. */
function mayComeBack(state: State, epoch = noEpoch): boolean {
  return epoch === state.home || mayBeRestoredTo(state, epoch);
}

/** Whether a snapshot restored by another server may still get to a running server of this epoch. */
function mayBeRestoredTo({ home, live, faults }: State, epoch = noEpoch): boolean {
  return faults.migrations > 0 && epoch !== home && epoch !== noEpoch && (live & (1 << epoch)) !== 0;
}
