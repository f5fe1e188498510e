import { describe, expect, test } from "bun:test";
import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";
import {
  DatabaseUnavailable,
  HashStale,
  HotCopyUnavailable,
  OutcomeUnknown,
  Overloaded,
  OwnIdDataTooLong,
  SignatureInvalid,
  UserBlocked,
  UserUnknown,
  ValueAltered,
  WriteContended,
  WriteSuppressed,
} from "../../src/errors.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import { empty, json, outcomeOf, type ProblemCode, problem } from "../support/problems.ts";
import { startApp } from "../support/running-app.ts";

const sol = "sol@testmail.com";

/** A store whose every method fails with the same. */
function failingStore(error: unknown): OwnIdDataStore {
  return storeWhichFails(() => Promise.reject(error));
}

async function answersTo(error: unknown) {
  await using app = await startApp({ store: failingStore(error) });
  const { client } = app;
  const answers = [await client.get(sol), await client.set(sol, "x"), await client.session(sol)];
  return { answers, logLines: [...app.logLines] };
}

describe("what the store throws", () => {
  const expected = [
    [new DatabaseUnavailable("reason-marker", "fix-marker"), "ERR_DATABASE_UNAVAILABLE", "1"],
    [new HotCopyUnavailable(), "ERR_REDIS_UNAVAILABLE", "1"],
    [new HashStale(), "ERR_HASH_STALE", "1"],
    [new WriteContended(), "ERR_WRITE_CONTENDED", "1"],
    [new WriteSuppressed(), "ERR_WRITE_SUPPRESSED", "5"],
    [new ValueAltered(), "ERR_VALUE_ALTERED", "5"],
    [new OutcomeUnknown("reason-marker"), "ERR_OUTCOME_UNKNOWN", "5"],
    [new Overloaded(), "ERR_OVERLOADED", "1"],
    [new UserBlocked(), "ERR_USER_BLOCKED", null],
    [new OwnIdDataTooLong(), "ERR_OWNID_DATA_TOO_LONG", null],
    [new SignatureInvalid("used before"), "ERR_SIGNATURE_INVALID", null],
  ] as const satisfies readonly (readonly [Error, ProblemCode, string | null])[];

  test("is told by its code, and when to try again, on all three endpoints", async () => {
    for (const [error, code, retryAfter] of expected) {
      for (const answer of (await answersTo(error)).answers) {
        expect(outcomeOf(answer)).toEqual(problem(code));
        expect(answer.headers.get("retry-after")).toBe(retryAfter);
        expect(answer.headers.get("cache-control")).toBe("no-store");
        expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      }
    }
  });

  test("is an empty 404 for an unknown user", async () => {
    for (const answer of (await answersTo(new UserUnknown())).answers) {
      expect(outcomeOf(answer)).toEqual(empty(404));
    }
  });

  test("gives the operator's reason to the log and not to the caller", async () => {
    const { answers, logLines } = await answersTo(new DatabaseUnavailable("reason-marker", "fix-marker"));
    expect(answers.map(({ body }) => body).join()).not.toContain("marker");
    expect(logLines.filter((line) => line.includes("reason-marker"))).toHaveLength(3);
  });
});

describe("500", () => {
  /** What a driver or a bug might throw: an error that quotes data, one in disguise, and no error at all. */
  function thrown(): unknown[] {
    const quoting = new TypeError("value-marker of secret-marker");
    const disguised = Object.assign(new Error("value-marker"), { code: "ERR_USER_UNKNOWN", status: 204 });
    const notFound = Object.assign(new Error("value-marker"), { code: "ERR_NOT_FOUND" });
    const caused = new Error("value-marker", { cause: new Error("secret-marker") });
    return [quoting, disguised, notFound, caused, "value-marker", { value: "value-marker" }];
  }

  test("is all that a caller learns of a fault of our own", async () => {
    for (const error of thrown()) {
      for (const answer of (await answersTo(error)).answers) {
        expect({ error, outcome: outcomeOf(answer) }).toEqual({ error, outcome: problem("ERR_INTERNAL") });
        expect(answer.headers.get("cache-control")).toBe("no-store");
        expect(answer.headers.get("retry-after")).toBeNull();
      }
    }
  });

  test("leaves a line in the log with its requestId and where it happened, without its message", async () => {
    const { answers, logLines } = await answersTo(new TypeError("value-marker"));
    const ids = answers.map(({ headers }) => headers.get("x-request-id"));
    const faults = logLines.map((line) => JSON.parse(line)).filter(({ code }) => code === "ERR_INTERNAL");
    expect(faults.map(({ requestId }) => requestId)).toEqual(ids);
    for (const fault of faults) {
      expect(fault).toMatchObject({ level: 50, method: "POST", status: 500, msg: "the sidecar failed" });
      expect(fault.stack[0]).toBe("TypeError");
      expect(fault.stack.length).toBeGreaterThan(1);
      for (const frame of fault.stack.slice(1)) expect(frame).toStartWith("at ");
    }
    expect(logLines.join("")).not.toContain("marker");
  });

  test("tells no more when the message pretends to be a frame of the stack", async () => {
    const { logLines } = await answersTo(new Error("first\n    at value-marker (secret-marker)"));
    expect(logLines.join("")).not.toContain("marker");
  });

  test("is the answer too when the session cannot be signed", async () => {
    const fail = () => Promise.reject(new Error("key-marker"));
    await using app = await startApp({ startSession: fail });
    expect(outcomeOf(await app.client.session(sol))).toEqual(problem("ERR_INTERNAL"));
    expect(app.logLines.join("")).not.toContain("marker");
  });

  test("does not keep the next request from its answer", async () => {
    let calls = 0;
    const store: OwnIdDataStore = {
      ...failingStore(null),
      get: async () => {
        calls += 1;
        if (calls % 2 === 1) throw new Error("value-marker");
        return "data";
      },
    };
    await using app = await startApp({ store });
    for (const status of [500, 200, 500, 200]) expect((await app.client.get(sol)).status).toBe(status);
  });
});

describe("a store that answers late", () => {
  test("holds up only its own request", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const store: OwnIdDataStore = {
      ...failingStore(null),
      get: async (loginId) => {
        if (loginId === "slow") await released;
        return loginId;
      },
    };
    await using app = await startApp({ store });
    const slow = app.client.get("slow");
    expect(outcomeOf(await app.client.get("fast"))).toEqual(json(200, { ownIdData: "fast" }));
    release();
    expect(outcomeOf(await slow)).toEqual(json(200, { ownIdData: "slow" }));
  });
});
