import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { UsageWrong } from "../../scripts/command.ts";
import { chooseLoginIds } from "../../scripts/load/login-ids.ts";
import { makePlan } from "../../scripts/load/plan.ts";
import { type Measured, parseThresholds } from "../../scripts/load/thresholds.ts";
import { durationText, latencyText, parseDurationMs, shareText } from "../../scripts/quantities.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";

describe("a plan", () => {
  test("without options is small and reads only", () => {
    const { thresholds, loginIds, ...plan } = makePlan({});
    expect(plan).toEqual({
      profile: "constant",
      rate: { from: 100, to: 100 },
      spacing: "poisson",
      durationMs: 30_000,
      warmUpMs: 2000,
      mix: { get: 100, set: 0, session: 0 },
      valueBytes: 1024,
      connectionsMax: 256,
      timeoutMs: 5000,
    });
    expect([thresholds, loginIds.count, loginIds.at(0)]).toEqual([[], 1, "sol@testmail.com"]);
  });

  test("takes a ramp, a mix and a soak", () => {
    expect(makePlan({ ramp: "100..2000" })).toMatchObject({ profile: "ramp", rate: { from: 100, to: 2000 } });
    expect(makePlan({ mix: "get=90, set=5,session=5" }).mix).toEqual({ get: 90, set: 5, session: 5 });
    expect(makePlan({ mix: "session=1" }).mix).toEqual({ get: 0, set: 0, session: 1 });
    expect(makePlan({ profile: "soak" })).toMatchObject({
      durationMs: 3_600_000,
      rate: { from: 100, to: 100 },
    });
    expect(makePlan({ profile: "soak", duration: "2h" }).durationMs).toBe(7_200_000);
  });

  test.each([
    { rate: "0" },
    { rate: "-1" },
    { rate: "many" },
    { rate: "100001" },
    { rate: "100", ramp: "1..2" },
    { ramp: "1..2..3" },
    { ramp: "100" },
    { profile: "ramp" },
    { profile: "soak", ramp: "1..2" },
    { profile: "spike" },
    { duration: "30" },
    { duration: "25h" },
    { rate: "0.1", duration: "1s" },
    { rate: "100000", duration: "24h" },
    { arrivals: "random" },
    { mix: "get" },
    { mix: "get=0" },
    { mix: "delete=1" },
    { "value-bytes": "8" },
    { "value-bytes": "70000" },
    { connections: "0" },
    { timeout: "31s" },
    { p99: "20" },
    { p99: "0ms" },
    { errors: "some" },
    { errors: "1.5" },
    { errors: "101%" },
    { "min-rate": "fast" },
    { users: "/nowhere/login-ids.txt" },
    { users: "x", "login-id": "y" },
    { "login-id": "" },
    { "login-id": "user{5..1}@example.com" },
    { "login-id": "user{1..999999999}@example.com" },
  ])("refuses %j", (options) => {
    expect(() => makePlan(options)).toThrow(UsageWrong);
  });
});

describe("login ids", () => {
  test("of a pattern are its range, with the zeros of its first number", () => {
    const { count, at } = chooseLoginIds({ users: undefined, "login-id": "user{008..11}@example.com" });
    expect(Array.from({ length: count }, (_, index) => at(index))).toEqual([
      "user008@example.com",
      "user009@example.com",
      "user010@example.com",
      "user011@example.com",
    ]);
  });

  test("of a file are its lines, whatever ends them and whatever mark begins it", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at("users"), "\ufeffone@example.com\r\n\ntwo@example.com\nthree {x}@example.com");
    const { count, at } = chooseLoginIds({ users: folder.at("users"), "login-id": undefined });
    expect([count, at(0), at(1), at(2)]).toEqual([
      3,
      "one@example.com",
      "two@example.com",
      "three {x}@example.com",
    ]);
  });

  test("that the sidecar would refuse are told by their line alone", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at("users"), `fine@example.com\n${"secret".repeat(60)}\n`);
    const choose = () => chooseLoginIds({ users: folder.at("users"), "login-id": undefined });
    expect(choose).toThrow(
      "--users: line 2 is not a login id: login ids have 1 to 320 characters and no control characters.",
    );
  });
});

describe("a threshold", () => {
  const latency = { count: 1000, p50Ms: 1, p90Ms: 5, p95Ms: 10, p99Ms: 20, p999Ms: 30, maxMs: 40 };
  const measured: Measured = { latency, requests: 1000, errors: 2, achievedRate: 499.5 };

  test.each([
    [{ p99: "20ms" }, null],
    [{ p99: "19.9ms" }, "100 µs too slow"],
    [{ p50: "500us" }, "500 µs too slow"],
    [{ p90: "5ms" }, null],
    [{ p95: "0.01s" }, null],
    [{ p999: "10ms" }, "20.0 ms too slow"],
    [{ errors: "2" }, null],
    [{ errors: "0" }, "2 too many"],
    [{ errors: "0.2%" }, null],
    [{ errors: "0.19%" }, "1 too many"],
    [{ "min-rate": "499.5" }, null],
    [{ "min-rate": "500" }, "0.5/s too few"],
  ])("%j is missed by %p", (options, missedBy) => {
    const [threshold] = parseThresholds(options);
    expect(threshold?.(measured)).toMatchObject({ holds: missedBy === null, missedBy });
  });

  test("on latency does not hold where nothing succeeded", () => {
    const nothing = {
      count: 0,
      p50Ms: null,
      p90Ms: null,
      p95Ms: null,
      p99Ms: null,
      p999Ms: null,
      maxMs: null,
    };
    const [threshold] = parseThresholds({ p99: "20ms" });
    expect(threshold?.({ ...measured, latency: nothing }).holds).toBe(false);
  });
});

describe("quantities", () => {
  test("are read in every unit", () => {
    const limits = { least: 0, most: 1e9 };
    const read = ["20ms", "1.5s", "2m", "2min", "1h", "500us", "500µs"].map((text) =>
      parseDurationMs("x", text, limits),
    );
    expect(read).toEqual([20, 1500, 120_000, 120_000, 3_600_000, 0.5, 0.5]);
  });

  test("are shown as people write them", () => {
    expect([0.0123, 0.5, 1, 12.345, 999.4, 1234, 60_000].map(latencyText)).toEqual([
      "12.3 µs",
      "500 µs",
      "1.00 ms",
      "12.3 ms",
      "999 ms",
      "1.23 s",
      "60.0 s",
    ]);
    expect([0, 1500, 20, 0.5, 90_000, 300_000, 7_200_000].map(durationText)).toEqual([
      "0 s",
      "1.5 s",
      "20 ms",
      "500 µs",
      "90 s",
      "5 min",
      "2 h",
    ]);
    expect([0, 0.00001, 0.00123, 0.5, 1].map(shareText)).toEqual([
      "0 %",
      "< 0.01 %",
      "0.123 %",
      "50 %",
      "100 %",
    ]);
  });
});
