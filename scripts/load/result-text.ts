import { wrapBeside } from "../columns.ts";
import { counted, countText, durationText, latencyText, rateText, shareText } from "../quantities.ts";
import { type Page, painterFor } from "../terminal.ts";
import { textTable } from "../text-table.ts";
import type { EndpointResult, LoadResult } from "./result.ts";

/** The columns of the table of results, after the name. */
export const resultColumns = ["requests", "errors", "p50", "p90", "p95", "p99", "p99.9", "max"];
const nameWidth = 15;

/** Formats the result for a terminal. */
export function resultText(result: LoadResult, page: Page): string {
  const { columns } = page;
  const paint = painterFor(page);
  const sections = [
    [paint("1", `Load test of ${result.target}`), wrapBeside(0, runText(result), columns)],
    [textTable(["", ...resultColumns], resultRows(result).map(resultCells), columns)],
    factsOf(result).map(([name, text]) => `${name.padEnd(nameWidth)}${wrapBeside(nameWidth, text, columns)}`),
    warnings(result).map((warning) => `${paint("33", "Note")}  ${wrapBeside(6, warning, columns)}`),
    result.thresholds.map(({ threshold, measured, holds, missedBy }) => {
      const verdict = holds ? paint("32", "holds") : paint("31;1", "FAILS");
      const found = `${threshold.padEnd(25)}${measured}${missedBy === null ? "" : `: ${missedBy}`}`;
      return `  ${verdict}  ${wrapBeside(9, found, columns)}`;
    }),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

/** Returns the reasons why the measured values should be read with care. */
export function warnings(result: LoadResult): string[] {
  const { sends, all } = result;
  const reasons: string[] = [];
  if (result.isInterrupted) {
    reasons.push(
      `Interrupted after ${durationText(roundMs(result.seconds))} of ${durationText(result.plannedSeconds * 1000)}.`,
    );
  }
  if (!sends.hasGeneratorKeptUp) {
    reasons.push(
      `The load generator itself was late (p99 ${latencyText(sends.latenessP99Ms)}), which is part of the latencies, ` +
        "so they are upper bounds. Lower --rate, or give the load generator its own processor.",
    );
  }
  if (sends.waitedForConnection > 0) {
    reasons.push(
      `${counted(sends.waitedForConnection, "request")} waited for one of the ${countText(result.connectionsMax)} ` +
        `connections, up to ${latencyText(sends.longestWaitMs)}; their latency includes it. ` +
        "The sidecar was slower than the rate for a while, or --connections is too small for it.",
    );
  }
  const unknown = all.requests - all.count;
  if (unknown > 0) {
    reasons.push(
      `${counted(unknown, "request")} (${shareText(unknown / all.requests)}) failed before the timeout: ` +
        "the percentiles cover the others, and only --errors makes the test fail because of them.",
    );
  }
  if (all.requests > 0 && all.requests < 1000) {
    reasons.push(
      `${counted(all.requests, "request is", "requests are")} too few for p99.9 and max. Use a longer --duration.`,
    );
  }
  return reasons;
}

/** Returns the rows of the table by name. A row for all requests is added if no single endpoint's row covers them. */
export function resultRows({ endpoints, all, sends }: LoadResult): (readonly [string, EndpointResult])[] {
  const rows = Object.entries(endpoints);
  return rows.length > 1 || sends.notSent > 0 ? [...rows, ["all", all]] : rows;
}

/** Describes the load: `30 s at 500/s, arrivals at random (Poisson), 1 login id`. */
export function runText({ seconds, plannedRate, arrivals, loginIds }: LoadResult): string {
  const { from, to } = plannedRate;
  const rate = from === to ? `at ${rateText(from)}/s` : `from ${rateText(from)}/s to ${rateText(to)}/s`;
  const kind = arrivals === "poisson" ? "arrivals at random (Poisson)" : "arrivals evenly spaced";
  const users = counted(loginIds, "login id");
  return `${durationText(roundMs(seconds))} ${rate}, ${kind}, ${users}`;
}

/** Returns the name and the columns of a row. */
export function resultCells([name, row]: readonly [string, EndpointResult]): string[] {
  const latencies = [row.p50Ms, row.p90Ms, row.p95Ms, row.p99Ms, row.p999Ms, row.maxMs].map(latencyText);
  return [name, countText(row.requests), countText(row.errors), ...latencies];
}

type Fact = readonly [name: string, text: string];

function factsOf({ rate, sends, errors, serviceTime, drift, profile }: LoadResult): Fact[] {
  const notSent = sends.notSent === 0 ? "" : `, ${countText(sends.notSent)} not sent`;
  const late = `p50 ${latencyText(sends.latenessP50Ms)}, p99 ${latencyText(sends.latenessP99Ms)}`;
  const facts: Fact[] = [
    ["rate", `${rateText(rate.achieved)}/s answered of ${rateText(rate.intended)}/s intended`],
    ["sends", `delayed by ${late}${notSent}`],
    ["since the send", `p50 ${latencyText(serviceTime.p50Ms)}, p99 ${latencyText(serviceTime.p99Ms)}`],
  ];
  if (profile === "soak") {
    const p99s = `p99 ${latencyText(drift.first.p99Ms)} in the first tenth, ${latencyText(drift.last.p99Ms)} in the last`;
    facts.push(["drift", p99s]);
  }
  if (errors.length === 0) return [...facts, ["errors", "none"]];
  const lines = errors.map(
    ({ error, requests, share }) => `${countText(requests)} (${shareText(share)})  ${error}`,
  );
  return [...facts, ...lines.map((text, index): Fact => [index === 0 ? "errors" : "", text])];
}

function roundMs(seconds: number): number {
  return Math.round(seconds * 10) * 100;
}
