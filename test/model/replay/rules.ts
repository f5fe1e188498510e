import { createRuleSet, type Rule } from "../rule-set.ts";
import type { ConfigurationName } from "./configurations.ts";

const table = {
  claimsAtOnce: { rule: "a claim reads the record and sets it in one command", caughtIn: "copies" },
  unknownStaysOpen: { rule: "a use of unknown outcome stays open", caughtIn: "copies" },
  reopensOnce: { rule: "of several copies of a failed request, one reopens the record", caughtIn: "copies" },
  sentOnce: { rule: "the client sends no command twice", caughtIn: "copies" },
  keptWhileAccepted: {
    rule: "a signature is remembered for longer than it is accepted",
    caughtIn: "copies",
  },
  epochSeenFirst: {
    rule: "a sidecar asks a server only after it has seen its epoch on the present connection",
    caughtIn: "restart",
  },
  doubtsBeforeEpoch: {
    rule: "what was signed before the epoch was first seen is doubted",
    caughtIn: "restart",
  },
  failureIsDoubted: {
    rule: "in doubt, no request runs again that is recorded as failed",
    caughtIn: "restart",
  },
  doubtsAfterReply: { rule: "a sidecar decides after the reply whether it doubts", caughtIn: "promotion" },
  answerOfSeenMaster: {
    rule: "an answer is doubted if the epoch of the key's master has not been seen",
    caughtIn: "promotion",
  },
  reopeningIsDoubted: {
    rule: "a sidecar decides once more after it has reopened the record of a failure",
    caughtIn: "promotion",
  },
  youngestEpochCounts: {
    rule: "the youngest epoch of all masters decides what is doubted",
    caughtIn: "resharding",
  },
  ageIsShared: { rule: "a sidecar that starts takes the age of an epoch from Redis", caughtIn: "outage" },
  returnIsNew: {
    rule: "an epoch that returns after another one counts as first seen now",
    caughtIn: "detour",
  },
  returnIsForgotten: {
    rule: "the record of an epoch that returns is removed",
    caughtIn: "detour",
  },
  memoryBeginsAtStart: {
    rule: "the memory of a process begins at its start",
    caughtIn: "alone",
  },
  memoryBeginsAtLoss: {
    rule: "the memory begins anew whenever the connection to a master is lost",
    caughtIn: "outage",
  },
  memoryBeginsAtAbsence: {
    rule: "the memory begins anew when the process finds that a key has a master without a connection",
    caughtIn: "promotion",
  },
  memoryBeginsAtRefusal: {
    rule: "the memory begins anew when a master begins to refuse claims",
    caughtIn: "refusing",
  },
  memoryAnswersFirst: {
    rule: "a process answers for what it has claimed alone, also after Redis has returned",
    caughtIn: "outage",
  },
  memoryAnswersLate: {
    rule: "a process that has claimed a signature alone while its claim in Redis was in flight does not believe the reply",
    caughtIn: "promotion",
  },
  failureAsksRedis: {
    rule: "if a use that a process has claimed alone has failed, Redis is asked as for a first use",
    caughtIn: "outage",
  },
  failureAloneIsDoubted: {
    rule: "a failure that a process remembers is not believed once its memory has begun anew",
    caughtIn: "outage",
  },
  failureAloneIsNotTold: {
    rule: "the failure of a use that a process has claimed alone does not replace the record in Redis",
    caughtIn: "outage",
  },
} satisfies Record<string, Rule<ConfigurationName>>;

export type RuleName = keyof typeof table;
/** Which rules are followed. */
export type Rules = Readonly<Record<RuleName, boolean>>;

/** All rules of the replay guard that the model can leave out, by name. */
export const ruleSet = createRuleSet<RuleName, ConfigurationName>(table);
