import { htmlPage, pageHeader, section, tiles } from "../report/html-page.ts";
import type { Profile } from "./case.ts";
import { caseStyle } from "./html-style.ts";
import {
  casesOf,
  countOutcomes,
  headerLines,
  type Outcome,
  type Report,
  type ShownCase,
  type ShownExchange,
} from "./result.ts";
import { detailsOf, replayCommand, verdictOf } from "./verdict.ts";

const text = Bun.escapeHTML;

/** What each profile examines, as the page describes it. */
const subjects: Readonly<Record<Profile, string>> = {
  basic: "statuses and bodies",
  signed: "signature, time window, secrets",
  safe: "replay, malformed input, what answers give away",
  fresh: "whether a lookup sees what was set",
  future: "what OwnID may send one day",
};

const headings: readonly (readonly [outcome: Outcome, title: string, lead: string])[] = [
  ["fail", "What fails", "A server that misses a must does not conform to OwnID's contract."],
  ["warn", "Warnings", "OwnID's logins work without these, but people or their accounts are less safe."],
  [
    "note",
    "Notes",
    "The server does something else that OwnID's sources, or settings of the sidecar, provide for.",
  ],
  ["skip", "Not judged", "Something else stands in the way, or was not given."],
  ["pass", "What holds", ""],
];

const labels = { fail: "fails", warn: "warning", note: "note", skip: "skipped", pass: "holds" } as const;

/** Returns the report as one HTML file that opens without a network. */
export function htmlReport(report: Report): string {
  const { target, user, startedAt, conforms } = report;
  const verdict = verdictOf(report);
  const header = pageHeader({
    title: "Conformance",
    verdict: { holds: conforms, text: verdict },
    about: `${target} · user ${user}`,
    startedAt,
    details: detailsOf(report),
  });
  const profiles = tiles(report.profiles.map((profile) => tileOf(profile, report)));
  return htmlPage({
    title: `${verdict} ${target}`,
    style: caseStyle,
    content: [header, profiles, ...headings.map((heading) => sectionOf(heading, report))].join("\n"),
    footer: `A must that does not hold fails the run; a should is a warning, a may is a note. Session tokens and the
user's own data are left out. The signed requests expire within two minutes if the server checks timestamps.`,
  });
}

function tileOf(profile: Profile, report: Report): readonly [name: string, figure: string, more: string] {
  const own = casesOf(profile, report);
  return [profile, `${countOutcomes(own).pass} of ${own.length}`, subjects[profile]];
}

function sectionOf([outcome, title, lead]: (typeof headings)[number], report: Report): string {
  const cases = report.cases.filter((one) => one.outcome === outcome);
  if (cases.length === 0) return "";
  const shown = cases.map((one) => caseOf(one, report)).join("\n");
  return section(`${title} (${cases.length})`, lead, shown);
}

function caseOf(one: ShownCase, report: Report): string {
  const { id, level, outcome, contract, found, hint, exchanges, exchangesInAll } = one;
  const isMissed = outcome === "fail" || outcome === "warn";
  const facts: readonly (readonly [name: string, html: string])[] = [
    ...(found === "" ? [] : [["Found", text(found)] as const]),
    ...(isMissed ? [["Fix", text(hint)] as const] : []),
    ["Again", `<code>${text(replayCommand(id, report))}</code>`],
  ];
  const leftOut =
    exchangesInAll > exchanges.length
      ? `<p class="lead">${exchanges.length} of ${exchangesInAll} requests are shown.</p>`
      : "";
  return `<details${outcome === "fail" ? ' open="open"' : ""}><summary><span class="outcome ${outcome}">${labels[outcome]}</span>
<code>${id}</code><span class="level">${level}</span><span class="contract">${text(contract)}</span></summary>
<div class="more"><dl>${facts.map(([name, html]) => `<dt>${name}</dt><dd>${html}</dd>`).join("")}</dl>
${leftOut}${exchanges.map((exchange) => exchangeOf(exchange, isMissed)).join("\n")}</div></details>`;
}

function exchangeOf(exchange: ShownExchange, isMissed: boolean): string {
  const {
    method,
    url,
    requestHeaders,
    requestBody,
    status,
    responseHeaders,
    responseBody,
    failure,
    durationMs,
    curl,
  } = exchange;
  const answer = status === null ? "no answer" : `HTTP ${status}`;
  const isOpen = isMissed && exchange.isDecisive;
  const sent = [`${method} ${url}`, ...headerLines(requestHeaders), "", requestBody];
  const parts = [
    curl === null ? block("Sent", sent) : block("Sent, as a curl command", [curl]),
    block(
      "Received",
      status === null ? [failure] : [answer, ...headerLines(responseHeaders), "", responseBody],
    ),
  ];
  const summary = `${method} ${text(url.slice(url.lastIndexOf("/") + 1))} → <b>${answer}</b> · ${durationMs} ms`;
  return `<details${isOpen ? ' open="open"' : ""}><summary>${summary}</summary>${parts.join("")}</details>`;
}

function block(title: string, lines: readonly string[]): string {
  return `<h3>${title}</h3><pre tabindex="0">${text(lines.join("\n").trimEnd())}</pre>`;
}
