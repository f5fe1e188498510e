import { withRunner } from "../../src/process/greeting.ts";
import { wrapBeside } from "../columns.ts";
import { type Page, painterFor } from "../terminal.ts";
import { textTable } from "../text-table.ts";
import {
  casesOf,
  countOutcomes,
  headerLines,
  type Outcome,
  outcomes,
  type Report,
  type ShownCase,
  type ShownExchange,
} from "./result.ts";
import { detailsOf, replayCommand, verdictOf } from "./verdict.ts";

export interface ConformancePage extends Page {
  /** Whether every request and its answer are shown, including those of cases that passed. */
  readonly showsExchanges: boolean;
}

const labels = { fail: "FAIL", warn: "warn", note: "note", skip: "skip", pass: "pass" } as const;
const colors = { fail: "31;1", warn: "33", note: "36", skip: "2", pass: "32" } as const;
const indent = 6;
const nameWidth = 6;
const bodyShownMax = 300;

/** Formats the report for a terminal. The gravest cases come last, so that they are visible above the prompt. */
export function reportText(report: Report, page: ConformancePage): string {
  const { columns, showsExchanges } = page;
  const paint = painterFor(page);
  const shown = outcomes
    .toReversed()
    .filter((outcome) => outcome !== "pass" || showsExchanges)
    .flatMap((outcome) => report.cases.filter((one) => one.outcome === outcome));
  const caseOf = (one: ShownCase) => {
    const head = `${paint(colors[one.outcome], labels[one.outcome])}  ${paint("1", one.id)}  ${one.level}`;
    const exchanges = showsExchanges ? one.exchanges.map((exchange) => exchangeText(exchange, columns)) : [];
    return [[head, ...linesOf(one, page)].join("\n"), ...exchanges].join("\n\n");
  };
  const verdict = paint(report.conforms ? "32;1" : "31;1", verdictOf(report));
  const sections = [
    paint("1", wrapBeside(0, `Conformance of ${report.target} with the user ${report.user}`, columns)),
    ...shown.map(caseOf),
    ...(showsExchanges ? [] : [profileTable(report, columns), ...againText(report, columns)]),
    [verdict, ...detailsOf(report)].map((line) => wrapBeside(0, line, columns)).join("\n"),
  ];
  return `${withRunner(sections.join("\n\n"))}\n`;
}

type Fact = readonly [name: string, text: string];

/** Returns the lines below the name of a case. A case that could not be judged only has the reason. */
function linesOf(one: ShownCase, { columns, showsExchanges }: ConformancePage): string[] {
  const deciding = one.exchanges.find(({ isDecisive }) => isDecisive);
  const hasFailed = one.outcome === "fail" || one.outcome === "warn";
  const facts: readonly Fact[] = [
    ...(one.outcome === "skip" ? [] : [["", one.contract] as const]),
    ...(one.found === "" ? [] : [[one.outcome === "skip" ? "" : "found", one.found] as const]),
    ...(hasFailed && !showsExchanges && deciding !== undefined ? exchangeFacts(deciding) : []),
    ...(hasFailed ? [["fix", one.hint] as const] : []),
  ];
  return facts.map(([name, text]) => {
    const begun = " ".repeat(indent) + (name === "" ? "" : name.padEnd(nameWidth));
    // JSON is wrapped anywhere, since it has few blanks.
    const width = columns - begun.length;
    const isJson = name === "sent" || name === "got";
    return (
      begun + wrapBeside(begun.length, isJson ? Bun.wrapAnsi(text, width, { hard: true }) : text, columns)
    );
  });
}

/**
 * Says how to examine the last case that failed or was a warning. The command is not wrapped, so that it can be
 * copied.
 */
function againText(report: Report, columns: number): string[] {
  const last = (sought: Outcome) => report.cases.findLast(({ outcome }) => outcome === sought);
  const missed = last("fail") ?? last("warn");
  if (missed === undefined) return [];
  const lead = "To send one case again and see its requests as curl commands and its answers:";
  return [`${wrapBeside(0, lead, columns)}\n${replayCommand(missed.id, report)}`];
}

function exchangeFacts(exchange: ShownExchange): Fact[] {
  const { method, url, requestBody, status, responseBody, failure } = exchange;
  const answer = status === null ? failure : `HTTP ${status} ${responseBody}`;
  return [
    ["sent", short(`${method} ${url.slice(url.lastIndexOf("/"))} ${requestBody}`)],
    ["got", short(answer)],
  ];
}

/** Formats a request as a curl command, and its whole answer. */
function exchangeText(exchange: ShownExchange, columns: number): string {
  const { curl, method, url, requestBody, status, responseHeaders, responseBody, failure, durationMs } =
    exchange;
  const sent = curl ?? `${method} ${url}\n${short(requestBody)}`;
  const answer =
    status === null
      ? [failure]
      : [`HTTP ${status}  (${durationMs} ms)`, ...headerLines(responseHeaders), responseBody];
  const lines = answer.filter((line) => line !== "").map((line) => `    ${wrapBeside(4, line, columns)}`);
  return `${sent}\n${lines.join("\n")}`;
}

function profileTable(report: Report, columns: number): string {
  const shownOutcomes = outcomes.toReversed();
  const rows = report.profiles.map((profile) => {
    const counts = countOutcomes(casesOf(profile, report));
    return [profile, ...shownOutcomes.map((outcome) => String(counts[outcome]))];
  });
  const cells = rows.map((row) => row.map((cell) => (cell === "0" ? "–" : cell)));
  return textTable(["profile", ...shownOutcomes], cells, columns);
}

/** Puts a body on one line, and cuts it off if it is long. */
function short(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return line.length > bodyShownMax ? `${line.slice(0, bodyShownMax)}…` : line;
}
