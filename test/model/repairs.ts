import type { ConfigurationName } from "./configurations.ts";

interface Repair {
  /** What the protocol does; without it the model does the tempting thing instead. */
  readonly rule: string;
  /** The configuration in which leaving it out alone gives a violation; null if another rule stands behind it. */
  readonly caughtIn: ConfigurationName | null;
}

const table = {
  soloAskedAtBegin: { rule: "BEGIN looks for other markers, not END alone", caughtIn: "writers" },
  markersPerWriter: { rule: "each writer has its own marker, not a share in a counter", caughtIn: "writers" },
  tokenNeverRepeats: {
    rule: "a token is random, not a count that restarts with the hash",
    caughtIn: "writers",
  },
  beginTokenPerRun: { rule: "the token is new at every run of BEGIN, a resent one too", caughtIn: "writers" },
  endTokenPerRun: {
    rule: "the token of a drop is new at every run of END, a resent one too",
    caughtIn: "writers",
  },
  beginDropsValue: { rule: "BEGIN drops v", caughtIn: "writers" },
  beginRenewsToken: { rule: "BEGIN renews t", caughtIn: "writers" },
  beginBeforeUpdate: { rule: "the database is touched only after BEGIN's answer", caughtIn: "writers" },
  endNotAfterUnknown: { rule: "an unknown outcome sends no END", caughtIn: "writers" },
  endChecksToken: { rule: "END fills only under its own token", caughtIn: "writers" },
  endTakesOwnMarkerOnly: { rule: "END takes away its own marker only", caughtIn: "writers" },
  endDropsWhenMarkerGone: { rule: "END without its marker drops v, t fresh", caughtIn: "evicted" },
  endRefusesForeignEpoch: { rule: "END of another epoch drops v, t fresh", caughtIn: "failover" },
  lostReplyIsUnknown: { rule: "an UPDATE without a reply is unknown, not undone", caughtIn: "writers" },
  readsBack: { rule: "an unknown outcome is read back before it is acknowledged", caughtIn: "writers" },
  compareAndSet: { rule: "UPDATE only over the value that was read", caughtIn: "writers" },
  fence: { rule: "the database refuses an UPDATE after its deadline", caughtIn: "writers" },
  clockBeforeBegin: { rule: "the deadline is counted from before BEGIN", caughtIn: "writers" },
  oneDeadline: { rule: "all tries of a write share one deadline", caughtIn: "writers" },
  updateSentOnce: { rule: "the driver never sends an UPDATE twice", caughtIn: "restored values" },
  markerOutlivesFence: { rule: "Q is longer than an UPDATE can take", caughtIn: "writers" },
  expiryCoversMarkers: { rule: "a hash with a marker does not expire", caughtIn: "writers" },
  readAsksUnderMarker: { rule: "READ gives no token while a marker lives", caughtIn: "writers" },
  readsAfterMiss: { rule: "the statement of a fill is sent after its MISS", caughtIn: "writers" },
  readsPrimary: { rule: "a fill reads the primary, not a replica", caughtIn: "writers" },
  fillChecksToken: { rule: "FILL only under the token of its MISS", caughtIn: "writers" },
  fillChecksEpoch: { rule: "FILL only in the epoch of its MISS", caughtIn: "failover" },
  fillKeepsValue: { rule: "FILL never replaces a value", caughtIn: "outside" },
  purgesUnchanged: { rule: "a set that changes nothing purges what is not its value", caughtIn: "outside" },
  marksStale: { rule: "a hash that contradicted the row is marked as stale", caughtIn: "outside" },
  setHeedsMark: { rule: "no set goes on over a hash that is marked as stale", caughtIn: "outside" },
  setComparesFound: { rule: "a set compares what BEGIN dropped with the row", caughtIn: "outside" },
  markChecksToken: { rule: "a hash is marked only if no other write has begun since", caughtIn: "writers" },
  endStoresRow: { rule: "END stores what the row holds, not what was sent", caughtIn: "trigger" },
  hitChecksEpoch: { rule: "a hit needs a known epoch", caughtIn: "failover" },
  hitFromItsServer: { rule: "a hit needs the epoch of the server that answers", caughtIn: "resharding" },
  resetDropsValue: { rule: "a reset drops v", caughtIn: "failover" },
  resetKeepsMarkers: { rule: "a reset keeps the markers", caughtIn: "resharding" },
  grace: { rule: "nothing is filled within the grace of a new epoch", caughtIn: "failover" },
  graceBeforeRead: { rule: "a fill's statement is sent after the grace", caughtIn: "failover" },
  graceBeforeUpdate: { rule: "no writer is solo within the grace", caughtIn: "restored values" },
  graceOfAllServers: { rule: "the grace is that of the youngest server", caughtIn: "resharding" },
  fillChecksMarkers: { rule: "FILL only without n (spare: the token has changed)", caughtIn: null },
  hitChecksMarkers: { rule: "a hit needs no n (spare: BEGIN has dropped v)", caughtIn: null },
  endFillsAlone: { rule: "END fills with no marker left (spare: solo, and the token)", caughtIn: null },
  resetRenewsToken: { rule: "a reset renews t (spare: the epoch of the MISS, of BEGIN)", caughtIn: null },
} satisfies Record<string, Repair>;

export type RepairName = keyof typeof table;
/** Which rules are kept. */
export type Repairs = Readonly<Record<RepairName, boolean>>;

/** Every rule of the protocol that the model can leave out, by name. */
export const repairs: Readonly<Record<RepairName, Repair>> = table;

export const isRepairName = (name: string): name is RepairName => name in table;
export const repairNames: readonly RepairName[] = Object.keys(table).filter(isRepairName);

export const allRepairs: Repairs = allKept();
export const allRepairsBut = (left: RepairName): Repairs => ({ ...allRepairs, [left]: false });

function allKept(): Repairs {
  const kept: Partial<Record<RepairName, boolean>> = {};
  for (const name of repairNames) kept[name] = true;
  if (!isComplete(kept)) throw new Error("a rule is missing");
  return kept;
}

function isComplete(kept: Partial<Record<RepairName, boolean>>): kept is Record<RepairName, boolean> {
  return repairNames.every((name) => kept[name] !== undefined);
}
