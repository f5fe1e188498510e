import { findViolations, type RegisterOperation } from "../register-checker.ts";
import { ask, type Kind, type Reply, readValue } from "./client.ts";
import type { Sidecar } from "./sidecar.ts";
import type { World } from "./world.ts";

/** The requests that were sent to the sidecars and their answers, timed by the clock of this process. */
export interface History {
  readonly operations: readonly RegisterOperation[];
  /** Every answer, in the order in which it arrived. */
  readonly replies: readonly RecordedReply[];
  get(sidecar: Sidecar, loginId: string): Promise<Reply>;
  /** Writes a value that no other request writes. */
  set(sidecar: Sidecar, loginId: string): Promise<Reply & { readonly value: string }>;
  session(sidecar: Sidecar, loginId: string): Promise<Reply>;
}

export interface RecordedReply extends Reply {
  readonly kind: Kind;
}

/** The error codes that guarantee that a `set` changed nothing. */
export const knownNotDone: ReadonlySet<string> = new Set([
  "ERR_DATABASE_UNAVAILABLE",
  "ERR_REDIS_UNAVAILABLE",
  "ERR_WRITE_CONTENDED",
  "ERR_WRITE_SUPPRESSED",
  "ERR_HASH_STALE",
  "ERR_OVERLOADED",
  "ERR_USER_UNKNOWN",
  "ERR_USER_BLOCKED",
]);

export interface HistoryOptions {
  /**
   * Whether a value was written to Redis by something other than a sidecar. A `get` that returns one is not checked.
   */
  readonly isForged?: (value: string) => boolean;
}

export function createHistory({ isForged = () => false }: HistoryOptions = {}): History {
  const operations: RegisterOperation[] = [];
  const replies: RecordedReply[] = [];
  let values = 0;

  function record(kind: Kind, loginId: string, value: string | null, reply: Reply): void {
    replies.push({ ...reply, kind });
    const operation = operationOf(kind, loginId, value, reply);
    if (operation !== null && !isForged(operation.value ?? "")) operations.push(operation);
  }

  async function recorded(kind: "get" | "session", sidecar: Sidecar, loginId: string): Promise<Reply> {
    const reply = await ask[kind](sidecar, loginId);
    record(kind, loginId, null, reply);
    return reply;
  }

  return {
    operations,
    replies,
    get: (sidecar, loginId) => recorded("get", sidecar, loginId),
    session: (sidecar, loginId) => recorded("session", sidecar, loginId),
    async set(sidecar, loginId) {
      const value = `v${++values}`;
      const reply = await ask.set(sidecar, loginId, value);
      record("set", loginId, value, reply);
      return { ...reply, value };
    },
  };
}

/** Returns `null` for a reply that contains no information about the register. */
function operationOf(
  kind: Kind,
  loginId: string,
  written: string | null,
  reply: Reply,
): RegisterOperation | null {
  const { invokedAt, returnedAt } = reply;
  if (kind === "session") return null;
  if (kind === "set")
    return { loginId, kind, value: written, invokedAt, returnedAt, outcome: outcomeOf(reply) };
  const value = readValue(reply);
  return value === undefined ? null : { loginId, kind, value, invokedAt, returnedAt, outcome: "ok" };
}

function outcomeOf({ status, code }: Reply): RegisterOperation["outcome"] {
  if (status === 204) return "ok";
  return status >= 400 && knownNotDone.has(code) ? "failed" : "unknown";
}

export interface Verdict {
  readonly figures: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** The claim and BEGIN wait for Redis for at most half a second each. The rest is a tolerance for a busy machine. */
const slackMs = 3000;

/**
 * Reads every user once more, from the table and through every sidecar. Then checks the whole history as a register,
 * and compares it with the writes that the table's trigger recorded.
 */
export async function judge(world: World, history: History): Promise<Verdict> {
  const { site, sidecars, times } = world;
  const last: RegisterOperation[] = [];
  for (const loginId of [...site.loginIds, site.probeLoginId]) {
    const invokedAt = performance.now();
    const value = await site.stored(loginId);
    last.push({ loginId, kind: "get", value, invokedAt, returnedAt: performance.now(), outcome: "ok" });
    for (const sidecar of sidecars) await history.get(sidecar, loginId);
  }
  // Each of these may take as long as COHERENCE_STATEMENT_MS: reading the row, the time until the deadline, and waiting
  // for a lock.
  const unknownMs = 3 * times.statementMs + slackMs;
  const violations = findViolations([...history.operations, ...last], { unknownMs });
  const writes = await judgeWrites(world, history);
  const counted = await world.counted();
  const audited = counted.get("store stale hit") ?? 0;
  const sets = history.operations.filter(({ kind }) => kind === "set");
  const count = (outcome: RegisterOperation["outcome"]) =>
    sets.filter((set) => set.outcome === outcome).length;
  return {
    figures: {
      operations: history.replies.length,
      "sets acknowledged": count("ok"),
      "sets refused": count("failed"),
      "sets with unknown outcome": count("unknown"),
      hits: counted.get("hash hit") ?? 0,
      fills: counted.get("hash fill") ?? 0,
      "stale hits": audited,
      violations: violations.length,
      "acknowledged sets lost": writes.lost,
    },
    failures: [
      ...violations
        .slice(0, 5)
        .map(({ loginId, reason, explanation }) => `${loginId}: ${reason}: ${explanation}`),
      ...writes.failures,
      ...(audited > 0 ? [`the audit of a sidecar found ${audited} stale hits`] : []),
      ...unexpectedAnswers(history),
    ],
  };
}

/**
 * Checks that each acknowledged value was written to the table, that no refused value was, and that none was written
 * twice.
 */
async function judgeWrites({ site }: World, history: History) {
  const times = new Map<string, number>();
  for (const { value } of await site.written()) times.set(value, (times.get(value) ?? 0) + 1);
  const sets = history.operations.filter(({ kind }) => kind === "set");
  const seen = (value: string | null) => times.get(value ?? "") ?? 0;
  const lost = sets.filter(({ outcome, value }) => outcome === "ok" && seen(value) === 0);
  const falselyRefused = sets.filter(({ outcome, value }) => outcome === "failed" && seen(value) > 0);
  const doubled = [...times].filter(([, count]) => count > 1);
  return {
    lost: lost.length,
    failures: [
      ...lost.slice(0, 3).map(({ value }) => `${value} was acknowledged but never written`),
      ...falselyRefused.slice(0, 3).map(({ value }) => `${value} was refused as not done, but was written`),
      ...doubled.slice(0, 3).map(([value, count]) => `${value} was written ${count} times`),
    ],
  };
}

/**
 * All users are known and all signatures are valid, so no request may be answered with 500, or with a 4xx other than
 * 429.
 */
function unexpectedAnswers({ replies }: History): string[] {
  const wrong = replies.filter(
    ({ status }) => (status >= 400 && status < 500 && status !== 429) || status === 500,
  );
  const kinds = Map.groupBy(wrong, ({ kind, status, code }) => `${kind} answered ${status} ${code}`);
  return [...kinds].map(([what, all]) => `${what}, ${all.length} times`);
}
