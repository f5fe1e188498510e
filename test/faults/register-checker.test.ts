import { describe, expect, test } from "bun:test";
import { createRandom } from "../../scripts/faults/harness/random.ts";
import {
  findViolations,
  type RegisterOperation,
  type Violation,
} from "../../scripts/faults/register-checker.ts";
import { randomLegalHistory, randomSmallHistory } from "./random-histories.ts";
import { hasLegalOrder } from "./register-brute-force.ts";

const rules = { unknownMs: 60 };
const size = { loginIds: 3, clients: 5, operations: 400, unknownMs: rules.unknownMs };
const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1);

type Times = readonly [invokedAt: number, returnedAt: number | null];

const set = (value: string, [invokedAt, returnedAt]: Times, outcome: RegisterOperation["outcome"] = "ok") =>
  ({ loginId: "sol", kind: "set", value, invokedAt, returnedAt, outcome }) as const;
const get = (value: string | null, [invokedAt, returnedAt]: Times) =>
  ({ loginId: "sol", kind: "get", value, invokedAt, returnedAt, outcome: "ok" }) as const;

const reasons = (history: readonly RegisterOperation[]) =>
  findViolations(history, rules).map(({ reason }) => reason);

/** Whether the checker accuses each of 200 legal histories to which an illegal operation was added. */
function catchesAll(
  spoil: (history: RegisterOperation[], random: () => number) => RegisterOperation | null,
): { planted: number; caught: number; reasons: Set<Violation["reason"]> } {
  const result = { planted: 0, caught: 0, reasons: new Set<Violation["reason"]>() };
  for (const seed of seeds) {
    const history = randomLegalHistory(seed, size);
    const planted = spoil(history, createRandom(seed));
    if (planted === null) continue;
    result.planted += 1;
    const violations = findViolations([...history, planted], rules);
    if (violations.length > 0) result.caught += 1;
    for (const { reason } of violations) result.reasons.add(reason);
  }
  return result;
}

const longAfter = { invokedAt: 1e6, returnedAt: 1e6 + 1 };

function acknowledged(history: readonly RegisterOperation[], loginId: string) {
  const isSet = (operation: RegisterOperation) => operation.kind === "set" && operation.outcome === "ok";
  return history.filter((operation) => operation.loginId === loginId && isSet(operation));
}

describe("legal histories", () => {
  test("accepts what real registers could have produced, in any interleaving", () => {
    expect(seeds.flatMap((seed) => findViolations(randomLegalHistory(seed, size), rules))).toEqual([]);
  });

  test("accepts a read of either value while a write is in flight", () => {
    const writes = [set("a", [0, 1]), set("b", [2, 9])];
    expect(reasons([...writes, get("a", [3, 4]), get("b", [5, 6])])).toEqual([]);
    expect(reasons([...writes, get("a", [3, 8]), get("b", [3, 4])])).toEqual([]);
  });

  test("accepts that a set with an unknown outcome took effect late or never", () => {
    const history = [set("a", [0, 1]), set("b", [2, 3], "unknown"), get("a", [10, 11])];
    expect(reasons(history)).toEqual([]);
    expect(reasons([...history, get("b", [20, 21])])).toEqual([]);
    expect(reasons([set("a", [0, 1]), set("b", [2, null], "unknown"), get("b", [20, 21])])).toEqual([]);
  });

  test("accepts either order of operations that meet at one instant", () => {
    expect(reasons([set("a", [0, 5]), get(null, [5, 6]), get("a", [6, 7])])).toEqual([]);
  });
});

describe("illegal histories", () => {
  test("rejects a read that returns an older value after a newer one was acknowledged", () => {
    const result = catchesAll((history, random) => {
      const sets = acknowledged(history, "user 1");
      const old = sets[Math.floor(random() * sets.length)];
      const newer = sets.find(({ invokedAt }) => invokedAt > (old?.returnedAt ?? Number.POSITIVE_INFINITY));
      return old && newer ? { ...old, kind: "get", ...longAfter } : null;
    });
    expect(result).toEqual({
      planted: expect.any(Number),
      caught: result.planted,
      reasons: new Set(["no order"]),
    });
    expect(result.planted).toBeGreaterThan(150);
  });

  test("rejects the loss of an acknowledged write", () => {
    const result = catchesAll((history) => {
      const [written] = acknowledged(history, "user 2");
      return written ? { ...written, kind: "get", value: null, ...longAfter } : null;
    });
    expect(result).toEqual({ planted: seeds.length, caught: seeds.length, reasons: new Set(["no order"]) });
  });

  test("rejects a value that returns after another was read", () => {
    expect(
      reasons([set("a", [0, 99]), set("b", [0, 99]), get("a", [1, 2]), get("b", [3, 4]), get("a", [5, 6])]),
    ).toEqual(["no order"]);
  });

  test("rejects a read of a value that nobody wrote", () => {
    const result = catchesAll(() => ({ ...get("out of nowhere", [5, 6]), loginId: "user 0" }));
    expect(result).toEqual({ planted: 200, caught: 200, reasons: new Set(["never written"]) });
  });

  test("rejects a read of a value whose write is known to have failed", () => {
    expect(reasons([set("a", [0, 1], "failed"), get("a", [5, 6])])).toEqual(["known not done"]);
  });

  test("rejects a read that ended before its value was written", () => {
    expect(reasons([get("a", [0, 1]), set("a", [2, 3])])).toEqual(["read too early"]);
  });

  test("rejects a value that was written twice, since reads of it would be ambiguous", () => {
    expect(reasons([set("a", [0, 1]), set("a", [2, 3])])).toEqual(["written twice"]);
  });

  test("rejects a set with an unknown outcome that took effect after its bound", () => {
    const history = [set("a", [0, 1]), set("b", [2, 3], "unknown"), get("a", [70, 71])];
    expect(reasons([...history, get("b", [80, 81])])).toEqual(["no order"]);
  });

  test("names the four operations that exclude any order", () => {
    const history = [set("a", [0, 1]), set("b", [2, 3]), get("a", [4, 5])];
    expect(findViolations(history, rules)).toEqual([
      {
        loginId: "sol",
        reason: "no order",
        explanation:
          "set a (ok, 0.0 to 1.0) ended before set b (ok, 2.0 to 3.0) began; " +
          "but set b (ok, 2.0 to 3.0) ended before get a (ok, 4.0 to 5.0) began",
      },
    ]);
  });
});

describe("compared with a search of every order", () => {
  test("agrees on twenty thousand small histories, many of them legal and many illegal", () => {
    const count = { legal: 0, illegal: 0, disagreements: 0 };
    for (let seed = 1; seed <= 20_000; seed += 1) {
      const history = randomSmallHistory(seed, 7);
      const isLegal = hasLegalOrder(history, { unknownMs: 6 });
      if (isLegal !== (findViolations(history, { unknownMs: 6 }).length === 0)) count.disagreements += 1;
      count[isLegal ? "legal" : "illegal"] += 1;
    }
    expect(count.disagreements).toBe(0);
    expect(Math.min(count.legal, count.illegal)).toBeGreaterThan(4000);
  });

  test("checks a hundred thousand operations of one key within two seconds", () => {
    const history = randomLegalHistory(7, { ...size, loginIds: 1, operations: 100_000 });
    const startedAt = process.cpuUsage();
    expect(findViolations(history, rules)).toEqual([]);
    // Of processor time, which waiting for a processor does not add to.
    const { user, system } = process.cpuUsage(startedAt);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});
