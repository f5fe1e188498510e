import { describe, expect, test } from "bun:test";
import {
  createLatencies,
  percentileCurve,
  recordMs,
  summarizeLatencies,
} from "../../scripts/load/latencies.ts";
import { createRecorder } from "../../scripts/load/recorder.ts";
import { createTimeline } from "../../scripts/load/timeline.ts";
import { judge } from "../../scripts/load/verdict.ts";

const exchange = {
  endpoint: "get",
  dueMs: 100,
  sentMs: 101,
  doneMs: 104,
  hasWaitedForConnection: false,
} as const;
const success = { error: null, isAnswered: true, isTimeout: false };
const refusal = { error: "503 ERR_X", isAnswered: true, isTimeout: false };
const timeout = { error: "timed out", isAnswered: false, isTimeout: true };

describe("latencies", () => {
  test("are kept from a microsecond to a minute to a thousandth, and no longer", () => {
    const histogram = createLatencies(3);
    for (const ms of [0, 0.001, 1.234, 12_345, 60_000, 90_000]) recordMs(histogram, ms);
    const { p50Ms, maxMs } = summarizeLatencies(histogram);
    expect(histogram.minNonZeroValue).toBe(1);
    expect(Math.abs((p50Ms ?? 0) - 1.234) / 1.234).toBeLessThan(0.001);
    expect(Math.abs((maxMs ?? 0) - 60_000) / 60_000).toBeLessThan(0.001);
  });

  test("that are none have no percentiles", () => {
    expect(Object.values(summarizeLatencies(createLatencies(3)))).toEqual([
      0,
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(percentileCurve(createLatencies(3))).toEqual([]);
  });

  test("make a curve that rises, as far as their number can tell", () => {
    const histogram = createLatencies(3);
    for (let ms = 1; ms <= 1000; ms += 1) recordMs(histogram, ms);
    const curve = percentileCurve(histogram);
    expect(curve.map(({ ms }) => ms)).toEqual(
      curve.map(({ ms }) => ms).toSorted((one, other) => one - other),
    );
    expect(curve.at(-1)?.share).toBeCloseTo(0.999, 6);
    expect(curve.find(({ share }) => Math.abs(share - 0.9) < 1e-9)?.ms).toBeCloseTo(900, -1);
  });
});

describe("a recorder", () => {
  test("measures from when a request was due, and from its send beside it", () => {
    const recorder = createRecorder();
    recorder.record(exchange, success);
    expect(recorder.allLatencies().maxValue).toBe(4000);
    expect(recorder.serviceTimes.maxValue).toBe(3000);
    expect(recorder.lateness.maxValue).toBe(1000);
  });

  test("does not count what was due in the warm-up", () => {
    const recorder = createRecorder();
    recorder.record({ ...exchange, dueMs: -1 }, refusal);
    recorder.recordNotSent(-1, 5000);
    expect([recorder.sends.due, recorder.errors.size, recorder.allLatencies().totalCount]).toEqual([0, 0, 0]);
    expect(recorder.takeWindow()).toMatchObject({ answered: 1, errors: 2 });
  });

  test("lets an error that comes fast improve no percentile, and a timeout worsen them", () => {
    const recorder = createRecorder();
    recorder.record({ ...exchange, doneMs: 150 }, success);
    for (let count = 0; count < 99; count += 1) recorder.record(exchange, refusal);
    expect(summarizeLatencies(recorder.allLatencies())).toMatchObject({ count: 1, p50Ms: 50 });
    recorder.record({ ...exchange, doneMs: 5101 }, timeout);
    recorder.recordNotSent(100, 6000);
    expect(summarizeLatencies(recorder.allLatencies())).toMatchObject({ count: 3 });
    expect(summarizeLatencies(recorder.allLatencies()).maxMs).toBeCloseTo(6000, -1);
  });

  test("accounts for every request that was due", () => {
    const recorder = createRecorder();
    recorder.record(exchange, success);
    recorder.record(exchange, refusal);
    recorder.record({ ...exchange, hasWaitedForConnection: true }, timeout);
    recorder.recordNotSent(100, 6000);
    expect(recorder.sends).toMatchObject({ due: 4, sent: 3, notSent: 1, answered: 2, waited: 1 });
    expect(Object.fromEntries(recorder.errors)).toEqual({
      "503 ERR_X": 1,
      "timed out": 1,
      "not sent: no connection was free in time": 1,
    });
  });

  test("tells a bounded number of errors apart, and counts them all", () => {
    const recorder = createRecorder();
    for (let kind = 0; kind < 1000; kind += 1)
      recorder.record(exchange, { ...refusal, error: `kind ${kind}` });
    expect(recorder.errors.size).toBeLessThan(50);
    expect([...recorder.errors.values()].reduce((sum, count) => sum + count)).toBe(1000);
  });
});

describe("a timeline", () => {
  test("of a day is no longer than one of ten minutes, and loses nothing", () => {
    const timeline = createTimeline();
    const dayMs = 86_400_000;
    for (let ms = 0; ms < dayMs; ms += 10_000) {
      timeline.due(ms);
      timeline.answered(ms);
      timeline.latency(ms, 1);
      if (ms === 40_000_000) timeline.failed(ms);
    }
    timeline.latency(dayMs - 1, 900);
    const points = timeline.points(dayMs);
    expect(points.length).toBeLessThanOrEqual(600);
    expect(points.length).toBeGreaterThan(300);
    const sum = (of: (point: (typeof points)[number]) => number) =>
      points.reduce((all, point) => all + of(point), 0);
    expect(sum(({ intendedRate, seconds }) => intendedRate * seconds)).toBeCloseTo(8640, 3);
    expect(sum(({ achievedRate, seconds }) => achievedRate * seconds)).toBeCloseTo(8640, 3);
    expect(sum(({ seconds }) => seconds)).toBeCloseTo(86_400, 3);
    expect(sum(({ errors }) => errors)).toBe(1);
    expect(points.find(({ errors }) => errors === 1)?.fromSecond).toBeLessThanOrEqual(40_000);
    expect(timeline.between(0, dayMs).totalCount).toBe(8641);
    expect(points.at(-1)?.p99Ms).toBeGreaterThan(800);
    expect(points.at(-2)?.p99Ms).toBeCloseTo(1, 1);
  });

  test("joins neighbors with the percentiles of both, not an average of them", () => {
    const timeline = createTimeline(2);
    for (let count = 0; count < 99; count += 1) timeline.latency(500, 1);
    for (let count = 0; count < 101; count += 1) timeline.latency(1500, 100);
    timeline.due(2500);
    const [first] = timeline.points(3000);
    expect(first?.p50Ms).toBeCloseTo(100, -1);
  });

  test("has a gap where nothing was due, and no rate beyond its end", () => {
    const timeline = createTimeline();
    timeline.due(100);
    timeline.latency(100, 5);
    timeline.due(2100);
    timeline.answered(9000);
    expect(timeline.points(2500)).toEqual([
      expect.objectContaining({ fromSecond: 0, seconds: 1, intendedRate: 1, achievedRate: 0 }),
      expect.objectContaining({ fromSecond: 1, seconds: 1, intendedRate: 0, p50Ms: null }),
      expect.objectContaining({ fromSecond: 2, seconds: 0.5, intendedRate: 2, p99Ms: null }),
    ]);
  });
});

describe("a verdict", () => {
  const answer = (status: number, bodyStart: string) => ({ status, bodyStart, isKeptAlive: true });

  test.each([
    ["get", 200, '{"ownIdData":"x"}', null],
    ["get", 204, "", null],
    ["set", 204, "", null],
    ["session", 200, '{"token":"x"}', null],
    ["session", 204, "", "204 with another body than expected"],
    ["set", 200, "{}", "200 with another body than expected"],
    ["get", 200, "<html>", "200 with another body than expected"],
    ["get", 200, '{"errorCode":404}', "200 no such user"],
    ["get", 404, "", "404 no such user"],
    ["get", 302, "", "302"],
    ["get", 503, '{"type":"x","code":"ERR_DATABASE_UNAVAILABLE"}', "503 ERR_DATABASE_UNAVAILABLE"],
    ["get", 500, '{"code":"<script>"}', "500"],
  ] as const)("on %s %p %p is %p", (endpoint, status, body, error) => {
    expect(judge(endpoint, answer(status, body))).toEqual({ error, isAnswered: true, isTimeout: false });
  });

  test("tells a timeout from a connection that failed", () => {
    expect(judge("get", { reason: "timed out" })).toMatchObject({ isAnswered: false, isTimeout: true });
    expect(judge("get", { reason: "connection refused" })).toMatchObject({
      isAnswered: false,
      isTimeout: false,
    });
  });
});
