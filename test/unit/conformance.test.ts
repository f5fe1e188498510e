import { describe, expect, test } from "bun:test";
import {
  Deviation,
  examineEach,
  NotJudged,
  profileOf,
  profiles,
  Variant,
} from "../../scripts/conformance/case.ts";
import { allCases } from "../../scripts/conformance/cases/all.ts";
import { htmlReport } from "../../scripts/conformance/html-report.ts";
import { junitXml } from "../../scripts/conformance/junit.ts";
import { createRedact } from "../../scripts/conformance/redact.ts";
import { reportText } from "../../scripts/conformance/report-text.ts";
import { type CaseResult, makeReport, outcomes } from "../../scripts/conformance/result.ts";
import { faultsOfMarkup } from "../support/markup.ts";
import { errorOf } from "../support/outcome.ts";

const hostile = `</pre><script>alert("x")</script>&\u0000\ud800 ]]>`;
const initialValue = '{"devices":["secret"]}';
const sharedSecret = new Uint8Array(32).fill(9);
const redact = createRedact({
  sharedSecrets: [sharedSecret],
  initialValue,
  isOurs: (value) => value === "ours",
});

describe("the cases", () => {
  test("have an id of their own that begins with the profile, and a sentence of the contract and a hint", () => {
    expect(new Set(allCases.map(({ id }) => id)).size).toBe(allCases.length);
    expect(allCases.filter(({ id }) => !/^[a-z]+(?:-[a-z0-9]+)+$/.test(id))).toEqual([]);
    expect(new Set(allCases.map(profileOf))).toEqual(new Set(profiles));
    const isSentence = (text: string) => /^[A-Z"'a-z].*[.]\)?$/s.test(text);
    expect(allCases.filter(({ contract, hint }) => !isSentence(contract) || !isSentence(hint))).toEqual([]);
  });

  test("with several examinations tell the gravest thing that was found", async () => {
    const kinds = [
      new NotJudged("not judged"),
      new Variant("variant"),
      new Deviation("deviation"),
      new Error("bug"),
    ];
    for (const [index, gravest] of kinds.entries()) {
      const examined = examineEach(kinds.slice(0, index + 1), (error) => Promise.reject(error));
      expect(await errorOf(examined)).toBe(gravest);
    }
  });
});

describe("a report", () => {
  test("shows no text of a success that the run has not made up", () => {
    const session = JSON.stringify({ token: "ey.secret", user: { name: "Sol" }, ttl: 60 });
    expect(redact.body(200, session)).toBe(
      '{"token":"[redacted, 9 characters]","user":{"name":"[redacted, 3 characters]"},"ttl":60}',
    );
    expect(redact.body(200, '"ey.secret"')).toBe("[redacted, 11 characters]");
    expect(redact.body(200, '{"ownIdData":"ours"}')).toBe('{"ownIdData":"ours"}');
  });

  test("shows a refusal, but neither the user's data nor a shared secret in it", () => {
    const told = `{"detail":"refused","got":${JSON.stringify(initialValue)},"key":"${Buffer.from(sharedSecret).toString("base64")}"}`;
    expect(redact.body(400, told)).toBe('{"detail":"refused","got":"[redacted]","key":"[redacted]"}');
    expect(redact.text(`It was ${initialValue}.`)).toBe("It was [redacted].");
  });

  test("shows of the headers those that the contract speaks of", () => {
    const headers = new Headers({ "content-type": "text/plain", "set-cookie": "session=secret", "x-y": "z" });
    expect(redact.headers(headers)).toEqual({ "content-type": "text/plain" });
  });

  test("is well-formed, whatever a server has answered", () => {
    const report = makeReport({
      target: "http://127.0.0.1:3300/ownid",
      user: hostile,
      ownedHost: null,
      startedAt: new Date(0),
      durationMs: 1,
      stopped: null,
      notRestored: null,
      redact,
      results: outcomes.map(resultOf),
    });
    const [html, xml] = [htmlReport(report), junitXml(report)];
    expect([...faultsOfMarkup(html), ...faultsOfMarkup(xml)]).toEqual([]);
    expect(xml).not.toMatch(/[\0\ud800]/);
    expect(reportText(report, { columns: 80, hasColors: false, showsExchanges: true })).toContain(
      "Does not conform",
    );
    expect(report).toMatchObject({
      conforms: false,
      counts: { fail: 1, warn: 1, note: 1, skip: 1, pass: 1 },
    });
  });

  test("of a run that did not reach its end does not look like one that passed", () => {
    const stopped = "The run was interrupted.";
    const facts = {
      target: "http://127.0.0.1",
      user: "sol",
      ownedHost: null,
      startedAt: new Date(0),
      durationMs: 1,
    };
    const report = makeReport({ ...facts, stopped, notRestored: null, redact, results: [resultOf("pass")] });
    expect(report.conforms).toBe(false);
    expect(junitXml(report)).toContain(`<error message="${stopped}"/>`);
    expect(htmlReport(report)).toContain("No verdict: the run ended after 1 case.");
  });
});

function resultOf(outcome: CaseResult["outcome"]): CaseResult {
  return {
    id: `basic-${outcome}`,
    profile: "basic",
    level: "must",
    contract: hostile,
    hint: hostile,
    outcome,
    found: hostile,
    decisive: null,
    durationMs: 1,
    exchanges: [
      {
        request: {
          method: "POST",
          url: "http://127.0.0.1/x",
          headers: { a: hostile },
          body: new TextEncoder().encode(hostile),
        },
        answer: { status: 400, headers: new Headers(), body: hostile },
        failure: "",
        durationMs: 1,
      },
    ],
  };
}
