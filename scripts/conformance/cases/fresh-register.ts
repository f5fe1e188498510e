import { NoAnswer } from "../../client/no-answer.ts";
import { findViolations, type RegisterOperation } from "../../faults/register-checker.ts";
import { isDone, readOwnIdData } from "../answers.ts";
import { Deviation, NotJudged } from "../case.ts";
import type { Site } from "../site.ts";

/**
 * Each round is a burst of sets and lookups, followed by one lookup, which reveals a cache that was filled with a
 * stale value.
 */
const rounds = 6;
const writers = 3;
const readers = 4;
/** How many requests each writer and reader sends in a round, one after the other. */
const turns = 4;
/** How long a set that got no answer may still take effect. */
const unknownMs = 60_000;

/**
 * Records concurrent sets and lookups of the test user, and checks that their history is that of a single register.
 *
 * @throws {Deviation} no order of the requests explains the answers
 * @throws {NotJudged} nothing succeeded
 */
export async function judgeRegister(site: Site): Promise<void> {
  const history: RegisterOperation[] = [];
  for (let round = 0; round < rounds; round += 1) await recordRound(history, site);
  const done = (kind: RegisterOperation["kind"]) =>
    history.some((operation) => operation.kind === kind && operation.outcome === "ok");
  if (!done("set") || !done("get")) {
    throw new NotJudged("No set or no lookup succeeded; the cases of the profile basic judge that.");
  }
  const [violation] = findViolations(history, { unknownMs });
  if (violation === undefined) return;
  throw new Deviation(
    violation.reason === "never written"
      ? "A lookup answered a value that had been overwritten before."
      : "A lookup went back to an older value than another one had answered, or than had been set.",
  );
}

async function recordRound(history: RegisterOperation[], site: Site): Promise<void> {
  await record(history, site, site.newValue());
  const repeat = async (value: () => string | null) => {
    for (let turn = 0; turn < turns; turn += 1) await record(history, site, value());
  };
  // All are awaited, even if one fails: no `set` may land after the user's data has been restored.
  const ended = await Promise.allSettled([
    ...Array.from({ length: writers }, () => repeat(() => site.newValue())),
    ...Array.from({ length: readers }, () => repeat(() => null)),
  ]);
  for (const end of ended) if (end.status === "rejected") throw end.reason;
  await record(history, site, null);
}

/** Sets the value, or looks the user up if it is `null`, and adds the outcome to the history. */
async function record(history: RegisterOperation[], site: Site, value: string | null): Promise<void> {
  const begun = {
    loginId: site.user,
    kind: value === null ? "get" : "set",
    invokedAt: performance.now(),
  } as const;
  try {
    const answer = value === null ? await site.get() : await site.set(value);
    const returnedAt = performance.now();
    const outcome = isDone(answer) ? "ok" : "unknown";
    if (value !== null) history.push({ ...begun, value, returnedAt, outcome });
    else if (outcome === "ok") history.push({ ...begun, value: readOwnIdData(answer), returnedAt, outcome });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (value !== null) history.push({ ...begun, value, returnedAt: null, outcome: "unknown" });
  }
}
