import { describe, expect, test } from "bun:test";
import { latencyAxis, percentileAxis, rateAxis, timeAxis } from "../../scripts/load/axes.ts";
import { describeEnvironment } from "../../scripts/load/environment.ts";
import { htmlReport } from "../../scripts/load/html-report.ts";
import { makePlan } from "../../scripts/load/plan.ts";
import { createRecorder, type Recorder } from "../../scripts/load/recorder.ts";
import { type LoadResult, makeResult } from "../../scripts/load/result.ts";
import { resultText, warnings } from "../../scripts/load/result-text.ts";
import { faultsOfMarkup } from "../support/markup.ts";

const page = { columns: 80, hasColors: false };
const hostile = `<script src="http://192.0.2.1/x.js">&"'`;

/** A result of three seconds with an answer every 10 ms, unless `count` says that there are fewer. */
function resultOf({ count = 300, error = null as string | null } = {}): LoadResult {
  const recorder = createRecorder();
  for (let index = 0; index < count; index += 1) {
    const dueMs = index * 10;
    const endpoint = index % 3 === 0 ? "session" : "get";
    recorder.record(
      {
        endpoint,
        dueMs,
        sentMs: dueMs + 0.05,
        doneMs: dueMs + 1 + (index % 50),
        hasWaitedForConnection: false,
      },
      { error, isAnswered: true, isTimeout: false },
    );
  }
  return makeResult({
    plan: makePlan({ mix: "get=2,session=1", duration: "3s", p99: "10ms", errors: "0", "min-rate": "90" }),
    target: "http://127.0.0.1:3300/ownid",
    startedAt: new Date(Date.UTC(2030, 0, 2, 3, 4, 5)),
    measuredMs: 3000,
    recorder,
    environment: describeEnvironment(["--login-id", "someone@example.com", "--rate", hostile]),
  });
}

const variants = {
  "a full test": {},
  "a test without answers": { error: hostile },
  "an empty test": { count: 0 },
};

describe.each([40, 80])("the text of a result in %i columns", (columns) => {
  const errors = 'net::ERR "a long reason that no line has room for, whatever the columns are"';
  const shown = resultText(resultOf({ error: errors }), { columns, hasColors: false });

  test("is no wider, and breaks no word", () => {
    const isWhole = (line: string) => Bun.stringWidth(line) <= columns || !line.trim().includes(" ");
    expect(shown.split("\n").filter((line) => !isWhole(line))).toEqual([]);
    const words = new Set(
      resultText(resultOf({ error: errors }), { columns: 300, hasColors: false }).split(/\s+/),
    );
    expect(shown.split(/\s+/).filter((word) => !words.has(word))).toEqual([]);
  });
});

describe.each(Object.entries(variants))("the report of %s", (_, options) => {
  const html = htmlReport(resultOf(options));

  test("is well-formed", () => {
    expect(faultsOfMarkup(html)).toEqual([]);
    expect(html).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  test("refers to nothing outside itself and runs nothing", async () => {
    const found: string[] = [];
    const rewriter = new HTMLRewriter().on("*", {
      element({ tagName, attributes }) {
        if (/^(?:script|link|img|image|iframe|object|embed|base|use|a|form)$/.test(tagName))
          found.push(tagName);
        for (const [name = "", value = ""] of attributes) {
          if (/^(?:src|href|xlink:href|on.*|style|action)$/.test(name) || /url\(/i.test(value))
            found.push(name);
        }
      },
    });
    await rewriter.transform(new Response(html)).text();
    expect(found).toEqual([]);
    expect(html).not.toMatch(/url\(|@import|@font-face/);
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });
});

describe("the report", () => {
  const html = htmlReport(resultOf());

  test("describes each plot in words and has its figures as a table", () => {
    const labelled = [...html.matchAll(/aria-labelledby="(\S+) (\S+)"/g)];
    expect(labelled.length).toBe(3);
    for (const [, title, description] of labelled) {
      expect(html).toContain(`<title id="${title}">`);
      expect(html).toContain(`<desc id="${description}">`);
    }
    expect(html.match(/<summary>/g)?.length).toBe(1);
  });

  test("says which threshold does not hold and by how much", () => {
    expect(html).toContain("1 of 3 thresholds fails");
    expect(html).toMatch(/fails: \d+\.\d ms too slow/);
  });

  test("has both schemes of colors", () => {
    expect(html).toContain("prefers-color-scheme: dark");
  });

  test("and the text name no login id", () => {
    expect(html).not.toContain("someone");
    expect(resultText(resultOf(), page)).not.toContain("someone");
    expect(JSON.stringify(resultOf())).not.toContain("someone");
  });

  test("names the lines of each plot and the figures of each endpoint for a screen that shows no more", () => {
    const legends = [...html.matchAll(/<ul class="legend">(.*?)<\/ul>/g)].map(([, items = ""]) =>
      items
        .replaceAll(/<[^>]+>/g, " ")
        .trim()
        .split(/\s+/),
    );
    expect(legends).toEqual([
      ["p99", "p95", "p50"],
      ["intended", "answered"],
      ["all", "get", "session"],
    ]);
    for (const name of ["p50", "p90", "p95", "p99", "p99.9", "max"]) {
      expect(html.split(`data-name="${name}"`).length - 1).toBe(3);
    }
    expect(html.match(/<div class="scroll"/g)?.length).toBe(
      html.match(/<p class="sideways">Scroll sideways to see all of it\.<\/p><div class="scroll"/g)?.length,
    );
  });

  test("shows what was typed as text", () => {
    expect(html).not.toContain("<script");
    expect(html).toContain("&lt;script src=&quot;http://192.0.2.1/x.js&quot;&gt;&amp;&quot;&#x27;");
  });
});

describe("a result", () => {
  test("counts what its thresholds are held against", () => {
    const { holds, all, rate, thresholds } = resultOf();
    expect(holds).toBe(false);
    expect(all).toMatchObject({ requests: 300, errors: 0, count: 300 });
    expect(rate).toEqual({ intended: 100, achieved: 100 });
    expect(thresholds.map((threshold) => threshold.holds)).toEqual([false, true, true]);
  });

  test("that is interrupted does not hold, whatever was measured", () => {
    const options = { plan: makePlan({}), target: "x", startedAt: new Date(), recorder: createRecorder() };
    const environment = describeEnvironment([]);
    expect(makeResult({ ...options, environment, measuredMs: 30_000 }).holds).toBe(true);
    expect(makeResult({ ...options, environment, measuredMs: 29_999 }).holds).toBe(false);
  });
});

describe("what a person reads", () => {
  const answered = {
    endpoint: "get",
    dueMs: 0,
    sentMs: 0,
    doneMs: 1,
    hasWaitedForConnection: false,
  } as const;
  const success = { error: null, isAnswered: true, isTimeout: false };

  function recorded(record: (recorder: Recorder) => void): LoadResult {
    const recorder = createRecorder();
    record(recorder);
    const options = { plan: makePlan({}), target: "x", startedAt: new Date(), recorder };
    return makeResult({ ...options, environment: describeEnvironment([]), measuredMs: 30_000 });
  }

  test("has a row for all requests where an endpoint's own lacks those that were never sent", () => {
    const sent = recorded(({ record }) => record(answered, success));
    const unsent = recorded(({ record, recordNotSent }) => {
      record(answered, success);
      recordNotSent(0, 5000);
    });
    expect(resultText(sent, page)).not.toMatch(/^all /m);
    expect(resultText(unsent, page)).toMatch(/^all +2 +1 .* 5\.00 s$/m);
    expect(htmlReport(unsent)).toContain(
      '<th scope="row">all</th><td data-name="requests">2</td><td data-name="errors">1</td>',
    );
  });

  test("is told how many failed without counting in a percentile, and that only --errors fails the test", () => {
    const refused = { error: "connection refused", isAnswered: false, isTimeout: false };
    const timedOut = { error: "timed out", isAnswered: false, isTimeout: true };
    const told = warnings(
      recorded(({ record }) => {
        record(answered, success);
        record(answered, refused);
        record(answered, timedOut);
        record(answered, timedOut);
      }),
    );
    expect(told).toContainEqual(expect.stringMatching(/^1 request \(25 %\) failed .* only --errors/));
    const all = warnings(recorded(({ record }) => record(answered, timedOut)));
    expect(all).not.toContainEqual(expect.stringContaining("--errors"));
  });
});

describe("an axis", () => {
  test("of latency begins below the least and ends above the most, at round figures", () => {
    const axis = latencyAxis(0.13, 740);
    expect(axis.place(0.1)).toBeCloseTo(0, 9);
    expect(axis.place(1000)).toBeCloseTo(1, 9);
    expect(axis.ticks.map(({ text }) => text)).toEqual(["100 µs", "1 ms", "10 ms", "100 ms", "1 s"]);
    expect(latencyAxis(2.5, 30).ticks.map(({ text }) => text)).toEqual([
      "2 ms",
      "5 ms",
      "10 ms",
      "20 ms",
      "50 ms",
    ]);
  });

  test("of percentiles gives every nine the same room", () => {
    const axis = percentileAxis(0.9993);
    expect(axis.ticks.map(({ text }) => text)).toEqual(["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    expect(axis.place(0.9)).toBeCloseTo(0.25, 9);
    expect(axis.place(0.99)).toBeCloseTo(0.5, 9);
  });

  test("of a rate begins at zero and has room for the most", () => {
    expect(rateAxis(430).ticks.map(({ at }) => at)).toEqual([0, 100, 200, 300, 400, 500]);
    expect(rateAxis(0).place(0)).toBe(0);
  });

  test("of time has few ticks, in units in which people count", () => {
    expect(timeAxis(30).ticks.map(({ text }) => text)).toEqual([
      "0",
      "5 s",
      "10 s",
      "15 s",
      "20 s",
      "25 s",
      "30 s",
    ]);
    expect(timeAxis(3600).ticks.map(({ text }) => text)).toEqual([
      "0",
      "10 min",
      "20 min",
      "30 min",
      "40 min",
      "50 min",
      "60 min",
    ]);
    expect(timeAxis(86_400).ticks.length).toBeLessThanOrEqual(9);
  });
});
