import type { HotCopy, HotWrite } from "../../src/coherence/hot-copy.ts";
import type { Replaced, UserDirectory } from "../../src/coherence/user-directory.ts";
import { DatabaseUnavailable, OutcomeUnknown } from "../../src/errors.ts";
import type { RedisEpochs } from "../../src/redis/epochs.ts";
import type { HotCopyLimits } from "../../src/redis/hot-copy-options.ts";
import type { ProcessReplayGuard } from "../../src/replay/process-replay-guard.ts";
import type { RedisDeployment } from "./redis-deployment.ts";
import type { Times } from "./scenario.ts";
import {
  type Reply,
  type ScriptCall,
  type SimulatedScript,
  type SimulatedScripts,
  simulatedScripts,
} from "./simulated-scripts.ts";

/** A part of the protocol that is done wrong on purpose, around the production code. */
export interface Mutation {
  readonly directory?: (real: UserDirectory, times: Times) => UserDirectory;
  readonly hotCopy?: (real: HotCopy, redis: RedisDeployment) => HotCopy;
  readonly epochs?: (real: RedisEpochs) => RedisEpochs;
  /** Whether the client of Redis sends some commands twice. */
  readonly sendsTwice?: boolean;
  readonly memory?: (real: ProcessReplayGuard) => ProcessReplayGuard;
  readonly scripts?: Partial<SimulatedScripts>;
  readonly limits?: Partial<HotCopyLimits>;
  readonly database?: { readonly ignoresExpectedValue?: boolean; readonly ignoresDeadline?: boolean };
}

/** The protocol without a mutation. */
export const noMutation: Mutation = {};

const { beginWrite, endWrite, fillHash, markStale, purgeHash, readHash } = simulatedScripts;

/** Returns the call with its token argument replaced by the token that the hash has. */
function withHeldToken(call: ScriptCall, place: number): ScriptCall {
  const held = call.redis.hget(call.key, "t");
  return { ...call, argv: (n) => (n === place && held !== null ? held : call.argv(n)) };
}

/** Returns the script with the difference that it leaves the field unchanged. */
function keeping(field: "t" | "v", script: SimulatedScript): SimulatedScript {
  return (call) => {
    const held = call.redis.hget(call.key, field);
    const reply = script(call);
    if (held !== null) call.redis.hset(call.key, { [field]: held });
    return reply;
  };
}

/**
 * Returns the script with a token that does not contain the time, so that it is the same whenever the command runs
 * again.
 */
function settingTheCallersToken(script: SimulatedScript): SimulatedScript {
  const withoutTime = (text: Reply) => (typeof text === "string" ? text.replace(/:\d+:\d+$/, "") : text);
  return (call) => {
    const reply = script(call);
    const token = call.redis.hget(call.key, "t")?.replace(/:\d+:\d+$/, "");
    if (token !== undefined) call.redis.hset(call.key, { t: token });
    return Array.isArray(reply) ? reply.map(withoutTime) : reply;
  };
}

/** Joins any read in flight, even though it was sent before the caller asked. */
function joiningSentReads(real: UserDirectory): UserDirectory {
  const inFlight = new Map<string, ReturnType<UserDirectory["find"]>>();
  function find(loginId: string) {
    const found = inFlight.get(loginId) ?? real.find(loginId).finally(() => inFlight.delete(loginId));
    inFlight.set(loginId, found);
    return found;
  }
  return {
    ...real,
    find,
    findForSession: async (loginId) => ({ ...(await find(loginId)), columns: new Map() }),
  };
}

/** Counts the deadline of each UPDATE from a moment before it is sent, and not from when the write read the row. */
function countingDeadlinesAnew(real: UserDirectory, { statementMs }: Times): UserDirectory {
  return {
    ...real,
    async replaceOwnIdData(change) {
      const { databaseTimeMs } = await real.find(change.loginId);
      return real.replaceOwnIdData({ ...change, deadlineMs: databaseTimeMs + statementMs });
    },
  };
}

/** Passes a lost answer to `onUnknown`, which decides how to continue. */
function withLostAnswers(onUnknown: (retry: () => Promise<Replaced>) => Promise<Replaced>) {
  return (real: UserDirectory): UserDirectory => ({
    ...real,
    replaceOwnIdData: (change) =>
      real.replaceOwnIdData(change).catch((error) => {
        if (!(error instanceof OutcomeUnknown)) throw error;
        return onUnknown(() => real.replaceOwnIdData(change));
      }),
  });
}

function fillingAfterAsk(real: HotCopy, redis: RedisDeployment): HotCopy {
  return {
    ...real,
    async read(loginId) {
      const read = await real.read(loginId);
      if (read.state !== "ask") return read;
      return {
        state: "miss",
        fill: async (value) => redis.server?.keyspace.hset(`user:${loginId}`, { v: value }),
      };
    },
  };
}

function writingWithoutBegin(real: HotCopy): HotCopy {
  const noWrite: HotWrite = {
    found: { value: null, token: null, isStale: false },
    markStale: async () => false,
    end: async () => {},
  };
  return { ...real, begin: (loginId) => real.begin(loginId).catch(() => noWrite) };
}

/** Each mutation leaves out one rule of src/coherence/DESIGN.md, or does something that DESIGN.md forbids. */
export const mutations = {
  'a read fills after "ask"': { hotCopy: fillingAfterAsk },
  "a write continues without a reply to BEGIN": { hotCopy: writingWithoutBegin },
  "a hit needs no epoch": { epochs: (real) => ({ ...real, isEpochOf: () => true }) },
  "there is no grace": { epochs: (real) => ({ ...real, isFillable: () => true }) },
  "an unknown outcome is treated as known and followed by END": {
    directory: withLostAnswers(() => Promise.reject(new DatabaseUnavailable("lost", "none"))),
  },
  "a lost answer is treated as success": { directory: withLostAnswers(async () => "holds") },
  "an UPDATE is sent again": { directory: withLostAnswers((retry) => retry()) },
  "the database ignores the deadline": { database: { ignoresDeadline: true } },
  "the deadline is counted from the UPDATE": { directory: countingDeadlinesAnew },
  "the database does not compare the value": { database: { ignoresExpectedValue: true } },
  "reads join a statement that was sent before": { directory: joiningSentReads },
  "the key contains the login id as it was requested": {
    directory: (real) => ({
      ...real,
      find: async (loginId) => ({ ...(await real.find(loginId)), loginId }),
      findForSession: async (loginId) => ({ ...(await real.findForSession(loginId)), loginId }),
    }),
  },
  "a marker lapses before the deadline": { limits: { quarantineMs: 20 } },
  "BEGIN keeps the lease token": { scripts: { beginWrite: keeping("t", beginWrite) } },
  "BEGIN keeps the value": { scripts: { beginWrite: keeping("v", beginWrite) } },
  "a script that runs again sets the same lease token again": {
    scripts: {
      readHash: settingTheCallersToken(readHash),
      beginWrite: settingTheCallersToken(beginWrite),
      endWrite: settingTheCallersToken(endWrite),
      purgeHash: settingTheCallersToken(purgeHash),
    },
  },
  "END ignores the lease token": { scripts: { endWrite: (call) => endWrite(withHeldToken(call, 3)) } },
  "BEGIN reports every writer as the only one": {
    scripts: { beginWrite: (call) => [1, ...[beginWrite(call)].flat().slice(1)] },
  },
  "a hash gets a stale mark although another write has begun": {
    scripts: { markStale: (call) => markStale(withHeldToken(call, 1)) },
  },
  "FILL ignores the lease token": { scripts: { fillHash: (call) => fillHash(withHeldToken(call, 2)) } },
  "READ ignores markers": {
    scripts: {
      readHash(call) {
        call.redis.hdel(call.key, "n");
        return readHash(call);
      },
    },
  },
} satisfies Record<string, Mutation>;
