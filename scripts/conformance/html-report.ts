import { pageStyle } from "../page-style.ts";
import type { Profile } from "./case.ts";
import { caseStyle } from "./html-style.ts";
import type { Outcome, Report, ShownCase, ShownExchange } from "./result.ts";
import { detailsOf, replayCommand, verdictOf } from "./verdict.ts";

const text = Bun.escapeHTML;

/** What each profile examines, for the page. */
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

/**
 * The report as one HTML file that opens without a network: no script, and a policy that forbids whatever would be
 * fetched. Well-formed as XML is.
 */
export function htmlReport(report: Report): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>${text(verdictOf(report))} ${text(report.target)}</title>
<style>${pageStyle}${caseStyle}</style>
</head>
<body>
<main>
${headerOf(report)}
<dl class="tiles">${report.profiles.map((profile) => tileOf(profile, report)).join("")}</dl>
${headings.map((heading) => sectionOf(heading, report)).join("\n")}
<footer>A must that does not hold fails the run; a should is a warning, a may is a note. Session tokens and the user's own
data are left out. The signed requests expire within two minutes if the server checks timestamps.</footer>
</main>
</body>
</html>
`;
}

function headerOf(report: Report): string {
  const { target, user, startedAt, conforms } = report;
  const at = `<time datetime="${startedAt}">${startedAt.replace("T", " ").replace(/\.\d+Z$/, " UTC")}</time>`;
  const about = [`${text(target)} · user ${text(user)} · ${at}`, ...detailsOf(report).map(text)];
  return `<header><h1>Conformance</h1><span class="verdict ${conforms ? "good" : "bad"}">${text(verdictOf(report))}</span>
${about.map((line) => `<p class="about">${line}</p>`).join("\n")}</header>`;
}

function tileOf(profile: Profile, { cases }: Report): string {
  const own = cases.filter((one) => one.profile === profile);
  const holding = own.filter(({ outcome }) => outcome === "pass").length;
  return `<div><dt>${profile}</dt><dd>${holding} of ${own.length}<small>${subjects[profile]}</small></dd></div>`;
}

function sectionOf([outcome, title, lead]: (typeof headings)[number], report: Report): string {
  const cases = report.cases.filter((one) => one.outcome === outcome);
  if (cases.length === 0) return "";
  const told = lead === "" ? "" : `<p class="lead">${text(lead)}</p>`;
  return `<section><h2>${title} (${cases.length})</h2>${told}${cases.map((one) => caseOf(one, report)).join("\n")}</section>`;
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

function headerLines(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}
