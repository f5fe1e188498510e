import { createRuleSet, type Rule } from "../rule-set.ts";
import type { ConfigurationName } from "./configurations.ts";

const table = {
  soloCheckedAtBegin: { rule: "BEGIN checks for other markers, in addition to END", caughtIn: "writers" },
  markersPerWriter: {
    rule: "each writer has its own marker instead of a share in a counter",
    caughtIn: "writers",
  },
  tokenNeverRepeats: {
    rule: "a lease token is random and not a number that restarts with the hash",
    caughtIn: "writers",
  },
  beginTokenPerRun: {
    rule: "every run of BEGIN sets a new lease token, even if it was sent twice",
    caughtIn: "writers",
  },
  endTokenPerRun: {
    rule: "every run of END that removes the value sets a new lease token, even if it was sent twice",
    caughtIn: "writers",
  },
  beginDropsValue: { rule: "BEGIN removes the value", caughtIn: "writers" },
  beginRenewsToken: { rule: "BEGIN changes the lease token", caughtIn: "writers" },
  beginBeforeUpdate: { rule: "the database is touched only after the reply to BEGIN", caughtIn: "writers" },
  endNotAfterUnknown: { rule: "no END is sent after an unknown outcome", caughtIn: "writers" },
  endChecksToken: { rule: "END fills only with the lease token of its BEGIN", caughtIn: "writers" },
  endTakesOwnMarkerOnly: { rule: "END removes only its own marker", caughtIn: "writers" },
  endDropsWhenMarkerGone: {
    rule: "END without its marker removes the value and changes the lease token",
    caughtIn: "evicted",
  },
  endRefusesForeignEpoch: {
    rule: "END in another epoch removes the value and changes the lease token",
    caughtIn: "failover",
  },
  lostReplyIsUnknown: { rule: "an UPDATE without a reply is unknown and not undone", caughtIn: "writers" },
  readsBack: { rule: "an unknown outcome is read back before it is acknowledged", caughtIn: "writers" },
  compareAndSet: { rule: "UPDATE replaces only the value that was read", caughtIn: "writers" },
  refusesAfterDeadline: { rule: "the database refuses an UPDATE after its deadline", caughtIn: "writers" },
  clockBeforeBegin: { rule: "the deadline is measured from before BEGIN", caughtIn: "writers" },
  oneDeadline: { rule: "all attempts of a write share one deadline", caughtIn: "writers" },
  updateSentOnce: { rule: "the driver never sends an UPDATE twice", caughtIn: "restored values" },
  markerOutlivesUpdate: { rule: "the quarantine is longer than an UPDATE can take", caughtIn: "writers" },
  expiryCoversMarkers: { rule: "a hash with a marker does not expire", caughtIn: "writers" },
  readAsksUnderMarker: { rule: "READ returns no lease token while there is a marker", caughtIn: "writers" },
  readsAfterMiss: { rule: "the statement of a fill is sent after its miss", caughtIn: "writers" },
  readsPrimary: { rule: "a fill reads the primary and not a replica", caughtIn: "writers" },
  fillChecksToken: { rule: "FILL requires the lease token of its miss", caughtIn: "writers" },
  fillChecksEpoch: { rule: "FILL requires the epoch of its miss", caughtIn: "failover" },
  fillKeepsValue: { rule: "FILL never replaces a value", caughtIn: "outside" },
  purgesUnchanged: {
    rule: "a set that changes nothing purges a hash with another value",
    caughtIn: "outside",
  },
  marksStale: { rule: "a hash that contradicted the row gets a stale mark", caughtIn: "outside" },
  setHeedsMark: { rule: "no set continues if there is a stale mark", caughtIn: "outside" },
  setComparesFound: { rule: "a set compares the value that BEGIN removed with the row", caughtIn: "outside" },
  markChecksToken: {
    rule: "the stale mark is set only if no other write has begun since",
    caughtIn: "writers",
  },
  endStoresRow: { rule: "END stores what the row holds and not what was sent", caughtIn: "trigger" },
  hitChecksEpoch: { rule: "a hit requires a known epoch", caughtIn: "failover" },
  hitFromItsServer: { rule: "a hit requires the epoch of the server that answers", caughtIn: "resharding" },
  resetDropsValue: { rule: "a reset removes the value", caughtIn: "failover" },
  resetKeepsMarkers: { rule: "a reset keeps the markers", caughtIn: "resharding" },
  grace: { rule: "nothing is filled during the grace of a new epoch", caughtIn: "failover" },
  graceBeforeRead: { rule: "the statement of a fill is sent after the grace", caughtIn: "failover" },
  graceBeforeUpdate: {
    rule: "no END fills for a write that began during the grace",
    caughtIn: "restored values",
  },
  graceOfAllServers: { rule: "the grace is that of the youngest server", caughtIn: "resharding" },
  pushChecksToken: {
    rule: "a push continues only if nobody else has begun a write since the listing",
    caughtIn: "push",
  },
  ownTokenWithoutValue: {
    rule: "a push continues after its own BEGIN only if no lookup has filled the hash since",
    caughtIn: "push and lookup",
  },
  pushLocks: { rule: "no other write begins while a push has the write lock", caughtIn: "push" },
  unchangedHeedsLock: {
    rule: "a set that changes nothing is refused under a write lock",
    caughtIn: "push",
  },
  unchangedReadsAgain: {
    rule: "a set that changes nothing reads the row again after its purge",
    caughtIn: "push",
  },
  lockOutlivesUpdate: {
    rule: "a write lock lapses only after the deadline of the push's UPDATE",
    caughtIn: "push",
  },
  repeatedEndKeepsLock: {
    rule: "END of a push that began twice leaves its write lock",
    caughtIn: "push",
  },
  resetKeepsLock: { rule: "a reset keeps the write lock", caughtIn: "push and lookup" },
  fillChecksMarkers: {
    rule: "FILL requires that there is no marker (redundant: the lease token has changed)",
    caughtIn: null,
  },
  hitChecksMarkers: {
    rule: "a hit requires that there is no marker (redundant: BEGIN has removed the value)",
    caughtIn: null,
  },
  endFillsAlone: {
    rule: "END fills only if no marker is left (redundant: BEGIN found no other marker, and the lease token is unchanged)",
    caughtIn: null,
  },
  resetRenewsToken: {
    rule: "a reset changes the lease token (redundant: FILL and END check the epoch)",
    caughtIn: null,
  },
} satisfies Record<string, Rule<ConfigurationName>>;

export type RuleName = keyof typeof table;
/** Which rules are followed. */
export type Rules = Readonly<Record<RuleName, boolean>>;

/** All rules of the protocol that the model can leave out, by name. */
export const ruleSet = createRuleSet<RuleName, ConfigurationName>(table);
