import { counted, countText, latencyText, rateText, shareText } from "../quantities.ts";
import { htmlPage, pageHeader, section, tiles, verdictBadge } from "../report/html-page.ts";
import { timeText } from "./axes.ts";
import { plotStyle } from "./plot-style.ts";
import { latencyOverTime, percentileCurves, rateOverTime } from "./report-plots.ts";
import type { LoadResult } from "./result.ts";
import { resultCells, resultColumns, resultRows, runText, warnings } from "./result-text.ts";
import { scrolling } from "./scrolling.ts";

const text = Bun.escapeHTML;

/** Returns the result as one HTML file that opens without a network. */
export function htmlReport(result: LoadResult): string {
  const notes = warnings(result).map((note) => `<p>${withOptions(note)}</p>`);
  const parts = [
    headerOf(result),
    tilesOf(result),
    notes.length === 0 ? "" : `<section class="note" aria-label="Notes">${notes.join("")}</section>`,
    result.thresholds.length === 0 ? "" : section("Thresholds", "", thresholdTable(result)),
    section(
      "Results",
      "Latency runs from when a request was due, not from when it was sent.",
      resultTable(result),
    ),
    section(
      "Latency over time",
      "The latency of the requests that were due at each moment.",
      latencyOverTime(result) + timelineDetails(result),
    ),
    section(
      "Rate over time",
      "The requests that were due each second, and those that were answered.",
      rateOverTime(result),
    ),
    section(
      "Latency by percentile",
      "The scale gives every nine the same width, so that the slowest answers can be seen.",
      percentileCurves(result),
    ),
    section("Errors", "", errorTable(result)),
    section("How it was measured", "", environmentTable(result)),
  ];
  return htmlPage({
    title: `Load test of ${result.target}`,
    style: plotStyle,
    content: parts.join("\n"),
    footer: `Requests were sent when they were due, whether or not earlier ones had been answered. The percentiles cover the
requests that succeeded and those that timed out, with the time that they had waited. Other errors are not included.`,
  });
}

function headerOf({ target, holds, thresholds, isInterrupted, startedAt }: LoadResult): string {
  const failed = thresholds.filter((threshold) => !threshold.holds).length;
  const verdict = isInterrupted
    ? "interrupted"
    : holds
      ? "all thresholds hold"
      : `${failed} of ${counted(thresholds.length, "threshold")} ${failed === 1 ? "fails" : "fail"}`;
  const isJudged = thresholds.length > 0 || isInterrupted;
  return pageHeader({
    title: "Load test",
    verdict: isJudged ? { holds, text: verdict } : null,
    about: target,
    startedAt,
  });
}

function tilesOf({ all, rate, errors }: LoadResult): string {
  const share = all.requests === 0 ? 0 : all.errors / all.requests;
  return tiles([
    ["p50", latencyText(all.p50Ms), "50 of 100 requests"],
    ["p95", latencyText(all.p95Ms), "95 of 100 requests"],
    ["p99", latencyText(all.p99Ms), "99 of 100 requests"],
    ["Answers", `${rateText(rate.achieved)}/s`, `of ${rateText(rate.intended)}/s intended`],
    [
      "Errors",
      countText(all.errors),
      errors.length === 0 ? `of ${countText(all.requests)}` : shareText(share),
    ],
  ]);
}

function thresholdTable({ thresholds }: LoadResult): string {
  const rows = thresholds.map(({ threshold, measured, holds, missedBy }) => [
    text(threshold),
    text(measured),
    verdictBadge(holds, holds ? "holds" : `fails: ${missedBy ?? ""}`),
  ]);
  return tableOf(["threshold", "measured", "verdict"], rows, "lines");
}

/**
 * Returns the table of results. On a small screen, each endpoint becomes a block in which every value has its name
 * beside it.
 */
function resultTable(result: LoadResult): string {
  return tableOf(["endpoint", ...resultColumns], resultRows(result).map(resultCells), "pairs");
}

function timelineDetails({ timeline }: LoadResult): string {
  const rows = timeline.map((point) => [
    timeText(point.fromSecond),
    rateText(point.intendedRate),
    rateText(point.achievedRate),
    countText(point.errors),
    ...[point.p50Ms, point.p95Ms, point.p99Ms].map(latencyText),
  ]);
  const head = ["from", "intended/s", "answered/s", "errors", "p50", "p95", "p99"];
  return `<details><summary>The figures of this plot and the next as a table</summary>${table(head, rows)}</details>`;
}

function errorTable({ errors, all }: LoadResult): string {
  if (errors.length === 0) return `<p class="lead">None in ${counted(all.requests, "request")}.</p>`;
  return table(
    ["error", "requests", "share"],
    errors.map(({ error, requests, share }) => [text(error), countText(requests), shareText(share)]),
  );
}

function environmentTable(result: LoadResult): string {
  const { environment, mix, sends, serviceTime, drift } = result;
  const total = mix.get + mix.set + mix.session;
  const shares = Object.entries(mix).filter(([, weight]) => weight > 0);
  const facts: readonly (readonly [string, string])[] = [
    ["Command", `<code>${withOptions(environment.command)}</code>`],
    ["Profile", `${result.profile}: ${runText(result)}`],
    ["Mix", shares.map(([name, weight]) => `${name} ${shareText(weight / total)}`).join(", ")],
    [
      "Sends",
      `delayed by the load generator: p50 ${latencyText(sends.latenessP50Ms)}, p99 ${latencyText(sends.latenessP99Ms)}, at most ${latencyText(sends.latenessMaxMs)}; ${countText(sends.waitedForConnection)} waited for one of ${countText(result.connectionsMax)} connections; ${countText(sends.notSent)} not sent`,
    ],
    [
      "Since the send",
      `p50 ${latencyText(serviceTime.p50Ms)}, p99 ${latencyText(serviceTime.p99Ms)}, measured from when a request was sent, as by a load generator that waits for answers`,
    ],
    [
      "Drift",
      `p99 ${latencyText(drift.first.p99Ms)} in the first tenth of the time, ${latencyText(drift.last.p99Ms)} in the last`,
    ],
    [
      "Versions",
      `ownid-sidecar ${text(environment.sidecar)}${environment.commit === null ? "" : ` (${text(environment.commit)})`}, Bun ${text(environment.bun)}`,
    ],
    [
      "Machine",
      `${text(environment.system)}, ${environment.cores} × ${text(environment.processor)}, ${environment.memoryGib} GiB`,
    ],
  ];
  const rows = facts.map(([name, fact]) => `<tr><th scope="row">${name}</th><td>${fact}</td></tr>`);
  return `<table class="words"><tbody>${rows.join("")}</tbody></table>`;
}

/** Formats text so that no line breaks within the name of an option. */
function withOptions(words: string): string {
  return text(words).replace(/--[a-z0-9][a-z0-9-]*/g, '<span class="option">$&</span>');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return scrolling(tableOf(head, rows, "wide"));
}

/** How a small screen shows the rows: as blocks with a value and its name in two columns, or in one. */
type Blocks = "pairs" | "lines";

/** Builds a table from cells that are HTML already. */
function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  look: "wide" | Blocks,
): string {
  const headCells = head.map((cell) => `<th scope="col">${cell}</th>`).join("");
  const body = rows.map(([first = "", ...cells]) => {
    const nameOf = (index: number) => (look === "wide" ? "" : ` data-name="${head[index + 1]}"`);
    const rest = cells.map((cell, index) => `<td${nameOf(index)}>${cell}</td>`).join("");
    return `<tr><th scope="row">${first}</th>${rest}</tr>`;
  });
  const className = look === "wide" ? "" : ` class="blocks ${look}"`;
  return `<table${className}><thead><tr>${headCells}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}
