import type { Hash, Reader, State, WriteLock, Writer } from "./state.ts";

const writerPlaces = [
  "start",
  "purging",
  "purged",
  "beginning",
  "begun",
  "updating",
  "committed",
  "refused",
  "unknown",
  "answered",
];
const answers = ["none", "done", "not done", "unknown"];
const readerPlaces = ["start", "joined", "missed", "filling", "stale"];

/** Returns the number of a token in the key; 0 means none. */
type TokenNumber = (token: number) => number;

/**
 * Returns a short string that is equal for two states only if they differ in nothing but the names of tokens. Tokens
 * are compared and never ordered, so they are numbered by first appearance. With `tokensByName` they keep their names,
 * which matter if a rule about tokens is left out.
 */
export function stateKey(state: State, tokensByName: boolean): string {
  const { faults, writers, readers } = state;
  const seen: number[] = [];
  const numbered: TokenNumber = (token) => {
    if (tokensByName || token < 0) return token + 1;
    const known = seen.indexOf(token);
    return known < 0 ? seen.push(token) : known + 1;
  };
  const codes = [
    packed(state.row, state.replicaRow, state.home, state.epochs),
    packed(state.live >> 4, state.live & 15, state.graceOver >> 4, state.graceOver & 15),
    packed(faults.snapshots, faults.restarts, faults.migrations, faults.evictions),
    packed(faults.outsideWrites, Number(state.outsideAdmitted), state.evictedAdmitted, flagsOf(state)),
    ofHash(state.hash, numbered),
    ofHash(state.snapshot, numbered),
  ];
  if (state.push)
    codes.push(
      packed(
        ofLock(state.hash?.lock),
        ofLock(state.snapshot?.lock),
        numbered(state.push.listed),
        numbered(state.push.own),
      ),
    );
  for (const writer of writers) pushWriter(codes, writer, numbered);
  for (const reader of readers) pushReader(codes, reader, numbered);
  return String.fromCharCode(...codes);
}

/** Packs four numbers below 16 into one character code. */
const packed = (a: number, b: number, c: number, d: number): number => a | (b << 4) | (c << 8) | (d << 12);

const flagsOf = ({ unread, hash, snapshot }: State): number =>
  Number(unread) | (Number(hash?.marked ?? false) << 1) | (Number(snapshot?.marked ?? false) << 2);

function ofHash(hash: Hash | null, numbered: TokenNumber): number {
  if (hash === null) return 0;
  return packed(hash.epoch + 1, numbered(hash.token), (hash.value ?? -1) + 1, hash.markers);
}

const ofLock = (lock: WriteLock | null = null): number =>
  lock === null ? 0 : (lock.run << 1) | Number(lock.repeated);

function pushWriter(codes: number[], writer: Writer, numbered: TokenNumber): void {
  const flags =
    Number(writer.pastDeadline) |
    (Number(writer.held) << 1) |
    (Number(writer.afterOutside) << 2) |
    (Number(writer.solo) << 3);
  codes.push(
    packed(writerPlaces.indexOf(writer.at), answers.indexOf(writer.answer), writer.old, writer.rereadsLeft),
    packed(writer.epoch + 1, writer.epochsBefore, flags, numbered(writer.token)),
    packed(writer.beginsInFlight, writer.updatesInFlight, writer.endsInFlight, 0),
    packed(writer.found + 1, writer.stores + 1, 0, 0),
  );
}

function pushReader(codes: number[], reader: Reader, numbered: TokenNumber): void {
  codes.push(
    packed(readerPlaces.indexOf(reader.at), reader.fillsInFlight, reader.value, reader.epoch + 1),
    numbered(reader.token),
  );
}
