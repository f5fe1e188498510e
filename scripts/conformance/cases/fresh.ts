import { findViolations, type RegisterOperation } from "../../faults/register-checker.ts";
import { parseObject, readOwnIdData, store } from "../answers.ts";
import { type Case, Deviation, NotJudged } from "../case.ts";
import type { Site } from "../site.ts";
import { NoAnswer } from "../wire.ts";

const cacheHint =
  "Something answers an old value: a cache before the database, a read replica, or a copy in the memory of each process. " +
  "Read from the primary database, or update the cache before the set is answered.";

const rounds = 5;
const readersAfterSet = 8;
/** The concurrent history: so many at once, each so many times. */
const writers = 3;
const readers = 4;
const turns = 8;
/** A set without an answer may still take effect for so long. */
const unknownMs = 60_000;

export const freshCases: readonly Case[] = [
  {
    id: "fresh-get-after-set",
    level: "must",
    contract: "Each set is seen by the very next lookup, even if the user was looked up before it.",
    hint: cacheHint,
    writes: true,
    run: async (site) => {
      for (let round = 0; round < rounds; round += 1) {
        await site.get();
        const value = await store(site);
        expectFresh(readOwnIdData(await site.get()), value);
      }
    },
  },
  {
    id: "fresh-gets-at-once",
    level: "must",
    contract: "After a set, lookups at once over connections of their own all see it.",
    hint: `${cacheHint} Behind a load balancer, each instance must see what another has written.`,
    writes: true,
    run: async (site) => {
      const value = await store(site);
      const answers = await Promise.all(Array.from({ length: readersAfterSet }, () => site.get()));
      for (const answer of answers) expectFresh(readOwnIdData(answer), value);
    },
  },
  {
    id: "fresh-emptied",
    level: "must",
    contract:
      "Data that was set to the empty text is gone for the next lookup: a removed device stays removed.",
    hint: cacheHint,
    writes: true,
    run: async (site) => {
      await store(site);
      await site.get();
      await store(site, "");
      const answer = await site.get();
      const found = parseObject(answer.body)?.ownIdData;
      if (typeof found === "string" && found !== "") {
        throw new Deviation(
          "After the data was set to the empty text, a lookup still answered some.",
          answer,
        );
      }
      if (answer.status !== 204 && answer.status !== 200) {
        throw new NotJudged("A lookup of a user without data fails; basic-get-without-data judges that.");
      }
    },
  },
  {
    id: "fresh-register",
    level: "must",
    contract:
      "Sets and lookups at the same time look as if they had happened one after the other: no lookup goes back to an older value.",
    hint: `${cacheHint} A lookup that began before a set must not fill a cache after it.`,
    writes: true,
    run: judgeRegister,
  },
];

function expectFresh(found: string | null, expected: string): void {
  if (found !== expected) throw new Deviation("After a set, a lookup answered another value than that one.");
}

/** Records concurrent sets and lookups of the test user, and has the history judged. */
async function judgeRegister(site: Site): Promise<void> {
  const history: RegisterOperation[] = [];
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
  const done = (kind: RegisterOperation["kind"]) =>
    history.filter((operation) => operation.kind === kind && operation.outcome === "ok").length;
  if (done("set") === 0 || done("get") === 0) {
    throw new NotJudged("No set or no lookup succeeded; the cases of the profile basic judge that.");
  }
  const [violation] = findViolations(history, { unknownMs });
  if (violation !== undefined) {
    throw new Deviation(
      violation.reason === "never written"
        ? "A lookup answered a value that had been overwritten before."
        : "A lookup went back to an older value than another one had answered, or saw one that was not set yet.",
    );
  }
}

/** Sets the value, or looks it up where there is none to set, and adds what came of it to the history. */
async function record(history: RegisterOperation[], site: Site, value: string | null): Promise<void> {
  const kind = value === null ? "get" : "set";
  const invokedAt = performance.now();
  const add = (read: string | null, outcome: RegisterOperation["outcome"]) =>
    history.push({
      loginId: site.user,
      kind,
      value: read,
      invokedAt,
      returnedAt: performance.now(),
      outcome,
    });
  try {
    const answer = value === null ? await site.get() : await site.set(value);
    const isDone = answer.status === 200 || answer.status === 204;
    if (value !== null) add(value, isDone ? "ok" : "unknown");
    else if (isDone) add(readOwnIdData(answer), "ok");
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (value !== null)
      history.push({ loginId: site.user, kind, value, invokedAt, returnedAt: null, outcome: "unknown" });
  }
}
