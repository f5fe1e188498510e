import { describe, expect, test } from "bun:test";
import { chartOf } from "../../scripts/bench/chart.ts";
import { markdownOf } from "../../scripts/bench/markdown.ts";
import { problemsOf, type Sample } from "../../scripts/bench/measure.ts";
import { loginIdOf, ownIdDataOf, valueBytes } from "../../scripts/bench/population.ts";
import { medianSample, type Results } from "../../scripts/bench/results.ts";
import { measureInTurn, median, ratioOf } from "../../scripts/bench/rounds.ts";
import { parseCpuTime } from "../../scripts/bench/server-process.ts";
import { signRequests } from "../../scripts/bench/signed-requests.ts";
import { countSteps } from "../../scripts/bench/steps.ts";
import { tablesOf } from "../../scripts/bench/table.ts";
import { targets, verdictOf } from "../../scripts/bench/targets.ts";
import { workloads } from "../../scripts/bench/workloads.ts";
import { parseWrkOutput, type WrkReport } from "../../scripts/bench/wrk.ts";
import { createSignatureVerifier } from "../../src/protocol/signature.ts";

/** Columns enough for every table to stand in one piece. */
const wide = 250;

describe("rounds", () => {
  test("measure every contender once in each round, in an order that turns round", async () => {
    const order: string[] = [];
    const samples = await measureInTurn(["a", "b", "c"], 3, async (contender, round) => {
      order.push(`${contender}${round}`);
      return `${contender}${round}`;
    });
    expect(order).toEqual(["a0", "b0", "c0", "c1", "b1", "a1", "a2", "b2", "c2"]);
    expect([...samples]).toEqual([
      ["a", ["a0", "a1", "a2"]],
      ["b", ["b0", "b1", "b2"]],
      ["c", ["c0", "c1", "c2"]],
    ]);
  });

  test("have the middle value as their median, or the mean of the two in the middle", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 2, 1, 9])).toBe(5.5);
    expect(() => median([])).toThrow(RangeError);
  });

  test("give a ratio of figures of the same round, whatever the medians alone would say", () => {
    // The machine was four times as slow in the second round, for both.
    expect(ratioOf([10, 40, 12], [20, 80, 12])).toEqual({ median: 0.5, rounds: [0.5, 0.5, 1] });
    expect(() => ratioOf([1, 2], [1])).toThrow(RangeError);
  });
});

describe("steps", () => {
  test("are counted, with the time that those left will take at the pace of those before", () => {
    const shown: string[] = [];
    let nowMs = 5000;
    const begin = countSteps(
      4,
      (text) => shown.push(text),
      () => nowMs,
    );
    for (const [what, ms] of [["one", 30_000] as const, ["two", 10_000] as const, ["three", 0] as const]) {
      begin(what);
      nowMs += ms;
    }
    expect(shown).toEqual(["1 of 4: one", "2 of 4, about 2 min left: two", "3 of 4, about 40 s left: three"]);
  });
});

describe("signed requests", () => {
  const sharedSecret = crypto.getRandomValues(new Uint8Array(32));
  const requests = signRequests({
    port: 1234,
    path: "/ownid/getOwnIDDataByLoginId",
    sharedSecret,
    count: 7,
    distinct: 3,
    body: (number) => JSON.stringify({ loginId: `zoë${number % 3}` }),
  });
  const headerOf = (request: string, name: string) =>
    new RegExp(`\r\n${name}: ([^\r]*)\r\n`).exec(request)?.[1] ?? null;
  const bodyOf = (request: string) => new TextEncoder().encode(request.split("\r\n\r\n")[1]);

  test("hold before the sidecar's own verifier, each with a signature of its own", () => {
    const verify = createSignatureVerifier({
      sharedSecrets: [sharedSecret],
      toleranceSeconds: 60,
      now: Date.now,
    });
    for (const request of requests) {
      const [signature, timestamp] = [
        headerOf(request, "ownid-signature"),
        headerOf(request, "ownid-timestamp"),
      ];
      expect(() => verify({ body: bodyOf(request), signature, timestamp })).not.toThrow();
    }
    expect(new Set(requests.map((request) => headerOf(request, "ownid-signature"))).size).toBe(7);
  });

  test("declare their length in bytes", () => {
    for (const request of requests) {
      expect(headerOf(request, "content-length")).toBe(String(bodyOf(request).length));
    }
  });
});

describe("population", () => {
  test("has values of one size, which are JSON, and another for each version", () => {
    const values = [0, 1, 19_999].map((number) => ownIdDataOf(loginIdOf("user", number)));
    values.push(ownIdDataOf(loginIdOf("user", 0), "2"));
    expect(values.map((value) => Buffer.byteLength(value))).toEqual([
      valueBytes,
      valueBytes,
      valueBytes,
      valueBytes,
    ]);
    expect(new Set(values).size).toBe(4);
    expect(() => values.map((value) => JSON.parse(value))).not.toThrow();
  });
});

describe("wrk's report", () => {
  const printed = {
    requests: 200,
    seconds: 2,
    bytes: 250_000,
    p50Us: 1500,
    p95Us: 2500,
    p99Us: 9000,
    statusErrors: 3,
    socketErrors: 1,
    sent: 264,
  };
  const output = `Running 2s test @ http://127.0.0.1:1\n  200 requests in 2.00s\n${JSON.stringify(printed)}\n`;

  test("is the script's line, in our units", () => {
    expect(parseWrkOutput(output, 264)).toEqual({
      requests: 200,
      seconds: 2,
      requestsPerSecond: 100,
      latencyMs: { p50: 1.5, p95: 2.5, p99: 9 },
      answerBytes: 1250,
      statusErrors: 3,
      socketErrors: 1,
      ranOut: false,
    });
  });

  test("says when more was sent than there was", () => {
    expect(parseWrkOutput(output, 263).ranOut).toBe(true);
  });

  test("is not made up when wrk printed none", () => {
    expect(() => parseWrkOutput("unable to connect", 1)).toThrow();
  });
});

describe("a round", () => {
  const right: WrkReport = {
    requests: 200,
    seconds: 2,
    requestsPerSecond: 100,
    latencyMs: { p50: 1, p95: 2, p99: 3 },
    answerBytes: 1250,
    statusErrors: 0,
    socketErrors: 0,
    ranOut: false,
  };
  const wrong: readonly Partial<WrkReport>[] = [
    { statusErrors: 1 },
    { socketErrors: 1 },
    { ranOut: true },
    { answerBytes: 300 },
    { requests: 0 },
  ];

  test("counts when every answer was the expected one", () => {
    expect(problemsOf(workloads.hit, right)).toEqual([]);
  });

  test.each(wrong)("is invalid with %o", (change) => {
    expect(problemsOf(workloads.hit, { ...right, ...change })).toHaveLength(1);
  });

  test("that asks for unknown users is invalid when one was answered otherwise", () => {
    const unknown = { ...right, answerBytes: 200, statusErrors: 200 };
    expect(problemsOf(workloads.unknown, unknown)).toEqual([]);
    expect(problemsOf(workloads.unknown, { ...unknown, statusErrors: 199 })).toHaveLength(1);
  });
});

test("CPU time is read in every form that ps prints", () => {
  expect(parseCpuTime("0:01.25")).toBe(1250);
  expect(parseCpuTime("00:01:02")).toBe(62_000);
  expect(parseCpuTime("2-03:00:01")).toBe(((2 * 24 + 3) * 3600 + 1) * 1000);
});

describe("results", () => {
  test("meet a target at its bound and not below, and say what was not measured", () => {
    const [target] = targets;
    if (target === undefined) throw new Error("there are no targets");
    const verdictAt = (figure: number) => verdictOf(target, { median: figure, rounds: [figure] });
    expect([0.84, 0.85, 0.94, 0.95].map(verdictAt)).toEqual(["not met", "met", "met", "aim met"]);
    expect(target.ratio(results)?.median).toBeCloseTo(20 / 25);
    expect(verdictOf(target, target.ratio({ ...results, workloads: {} }))).toBe("not measured");
  });

  test("are a chart that is well-formed XML without a figure that is none", () => {
    const chart = chartOf({ ...results, commit: 'a "<&' });
    expect(unclosed(chart)).toEqual([]);
    expect(chart).not.toMatch(/NaN|undefined|Infinity/);
    expect(chart).toContain("40,000");
    expect(chart).toContain("0.80× bare");
    expect(chart).toContain("Commit a &quot;&lt;&amp;");
    expect(chart).toContain("prefers-color-scheme: dark");
    // GitHub serves it as an image, which loads nothing.
    expect(chart.match(/https?:[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
  });

  test("are tables that fit 80 columns and break no word", () => {
    const fitting = tablesOf(results, 80);
    expect(fitting.split("\n").filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
    const words = new Set(tablesOf(results, wide).split(/\s+/));
    expect(fitting.split(/\s+/).filter((word) => !words.has(word))).toEqual([]);
  });

  test("are tables with every round", () => {
    const text = tablesOf(results);
    expect(text).toContain("0.80 (0.80 0.80 0.80)");
    expect(text).toContain("not measured");
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("say at which rate the tail was measured, and judge it", () => {
    const paced = (p99: number) => {
      const sample = { requests: 1, requestsPerSecond: 19_000, cpuUs: 20, residentMiB: 60 };
      return medianSample([{ ...sample, latencyMs: { p50: 0.1, p95: 1, p99 } }]);
    };
    const contenders = { bare: paced(2), "guard-on": paced(3) };
    const text = tablesOf(
      { ...results, halfLoad: { bareRates: [30_000, 40_000, 90_000], contenders } },
      wide,
    );
    expect(text).toContain("at half of bare's 40,000: target 20,000 requests/s");
    expect(text).toMatch(/sidecar +19,000 +0\.10 {2}1\.00 {2}3\.00 +3\.00 +1\.50 \(1\.50\)/);
    expect(text).toMatch(/guard on: p99 ÷ bare's.* 1\.50 .* met/);
  });

  test("judge no comparison with a server that has no guard while ours is on, and show it", () => {
    const withGuard = {
      ...results,
      workloads: { hit: { ...results.workloads.hit, "guard-on": threeRounds(4000, 50) } },
    };
    expect(tablesOf(withGuard, wide)).toMatch(/guard on: requests\/s ÷ express's.* 1\.00 .*for information/);
  });

  test("are Markdown tables whose rows have as many cells as their heads", () => {
    const rows = markdownOf(results)
      .split("\n")
      .filter((line) => line.startsWith("|"));
    const tables = rows
      .join("\n")
      .split(/\n(?=\| {2}\|)/)
      .map((table) => table.split("\n"));
    expect(tables.map((table) => table.length)).toEqual([2 + 3, 2 + targets.length]);
    for (const table of tables) expect(new Set(table.map((row) => row.split("|").length)).size).toBe(1);
  });
});

function sampleOf(requestsPerSecond: number, cpuUs: number): Sample {
  const latencyMs = { p50: 1, p95: 2, p99: 3 };
  return { requests: requestsPerSecond, requestsPerSecond, cpuUs, latencyMs, residentMiB: 70 };
}

const threeRounds = (requestsPerSecond: number, cpuUs: number) =>
  medianSample([0.9, 1, 1.1].map((pace) => sampleOf(requestsPerSecond * pace, cpuUs / pace)));

const results: Results = {
  date: "2000-01-01",
  commit: "1234567",
  machine: { cpu: "a processor", cores: 2, system: "a system" },
  versions: { Bun: "1.0.0" },
  plan: {
    rounds: 3,
    seconds: 3,
    connections: 64,
    isWarm: true,
    users: { user: 20_000, writer: 20_000, unhashed: 20_000, cold: 1 },
    valueBytes,
  },
  workloads: {
    hit: {
      bare: threeRounds(40_000, 20),
      "guard-off": threeRounds(32_000, 25),
      express: threeRounds(4000, 200),
    },
  },
  halfLoad: null,
};

/** The tags that nothing closes, or that close nothing. */
function unclosed(xml: string): string[] {
  const open: string[] = [];
  for (const [, slash, name = "", selfClosing] of xml.matchAll(
    /<(\/?)([a-z]+)(?:\s+[a-z-]+="[^"<]*"|\s+[a-zA-Z]+="[^"<]*")*\s*(\/?)>/g,
  )) {
    if (selfClosing) continue;
    if (!slash) open.push(name);
    else if (open.pop() !== name) return [name];
  }
  const text = xml.replaceAll(/<[^<>]*>/g, "");
  return /[<>]|&(?!amp;|lt;|quot;|#x27;)/.test(text) ? ["a character that is not escaped"] : open;
}
