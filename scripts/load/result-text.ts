import { countText, durationText, latencyText, rateText, shareText } from "../quantities.ts";
import { wrapText } from "../wrap-text.ts";
import type { EndpointResult, LoadResult } from "./result.ts";

const columns = ["requests", "errors", "p50", "p90", "p95", "p99", "p99.9", "max"] as const;
/** What the table is wide, less the mark of a note. */
const textColumns = 88;
const columnWidth = 10;
const nameWidth = 14;

/** The result as a person reads it, in at most 100 columns. */
export function resultText(result: LoadResult, hasColours: boolean): string {
  const paint = (code: string, text: string) => (hasColours ? `\x1b[${code}m${text}\x1b[0m` : text);
  const sections = [
    [paint("1", `Load test of ${result.target}`), runText(result)],
    tableLines(result),
    factLines(result),
    warnings(result).flatMap((warning) =>
      wrapText(warning, textColumns).map(
        (line, index) => `${index === 0 ? paint("33", "Note") : "    "}  ${line}`,
      ),
    ),
    result.thresholds.map(({ threshold, measured, holds, missedBy }) => {
      const verdict = holds ? paint("32", "holds") : paint("31;1", "FAILS");
      return `  ${verdict}  ${threshold.padEnd(30)}${measured}${missedBy === null ? "" : `: ${missedBy}`}`;
    }),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${shown.join("\n\n")}\n`;
}

/** What makes the figures say less than they seem to. */
export function warnings(result: LoadResult): string[] {
  const { sends, all } = result;
  const told: string[] = [];
  if (result.isInterrupted) {
    told.push(
      `Interrupted after ${durationText(roundMs(result.seconds))} of ${durationText(result.plannedSeconds * 1000)}.`,
    );
  }
  if (!sends.hasGeneratorKeptUp) {
    told.push(
      `The load generator itself was late (p99 ${latencyText(sends.latenessP99Ms)}), and that is part of the latencies: ` +
        "they are upper bounds. Lower --rate, or give it a processor of its own.",
    );
  }
  if (sends.waitedForConnection > 0) {
    told.push(
      `${countText(sends.waitedForConnection)} requests waited for one of the ${countText(result.connectionsMax)} ` +
        `connections, up to ${latencyText(sends.longestWaitMs)}; their latency includes it. ` +
        "The sidecar was slower than the rate for a while, or --connections is too small for it.",
    );
  }
  const unknown = all.requests - all.count;
  if (unknown > 0) {
    told.push(
      `${countText(unknown)} requests (${shareText(unknown / all.requests)}) failed before their time was over: ` +
        "the percentiles are of the others, and only --errors makes the test fail for it.",
    );
  }
  if (all.requests > 0 && all.requests < 1000) {
    told.push(
      `${countText(all.requests)} requests are few: p99.9 and max say little. Take a longer --duration.`,
    );
  }
  return told;
}

/** The rows of the table by name: all together, too, where no endpoint's own row has every request. */
export function resultRows({ endpoints, all, sends }: LoadResult): (readonly [string, EndpointResult])[] {
  const rows = Object.entries(endpoints);
  return rows.length > 1 || sends.notSent > 0 ? [...rows, ["all", all]] : rows;
}

/** How the load was made: `30 s at 500/s, arrivals at random (Poisson), 1 login id`. */
export function runText({ seconds, plannedRate, arrivals, loginIds }: LoadResult): string {
  const { from, to } = plannedRate;
  const rate = from === to ? `at ${rateText(from)}/s` : `from ${rateText(from)}/s to ${rateText(to)}/s`;
  const kind = arrivals === "poisson" ? "arrivals at random (Poisson)" : "arrivals evenly spaced";
  const users = loginIds === 1 ? "1 login id" : `${countText(loginIds)} login ids`;
  return `${durationText(roundMs(seconds))} ${rate}, ${kind}, ${users}`;
}

function tableLines(result: LoadResult): string[] {
  return [
    `${"".padEnd(nameWidth)}${columns.map((name) => name.padStart(columnWidth)).join("")}`,
    ...resultRows(result).map(([name, row]) => tableLine(name, row)),
  ];
}

function tableLine(name: string, row: EndpointResult): string {
  const cells = [
    countText(row.requests),
    countText(row.errors),
    ...[row.p50Ms, row.p90Ms, row.p95Ms, row.p99Ms, row.p999Ms, row.maxMs].map(latencyText),
  ];
  return `${name.padEnd(nameWidth)}${cells.map((cell) => cell.padStart(columnWidth)).join("")}`;
}

function factLines({ rate, sends, errors, serviceTime, drift, profile }: LoadResult): string[] {
  const fact = (name: string, text: string) => `${name.padEnd(nameWidth)}${text}`;
  const notSent = sends.notSent === 0 ? "" : `, ${countText(sends.notSent)} not sent`;
  const lines = [
    fact("rate", `${rateText(rate.achieved)} answers/s of ${rateText(rate.intended)}/s intended`),
    fact(
      "sends",
      `late by p50 ${latencyText(sends.latenessP50Ms)}, p99 ${latencyText(sends.latenessP99Ms)}${notSent}`,
    ),
    fact("from the send", `p50 ${latencyText(serviceTime.p50Ms)}, p99 ${latencyText(serviceTime.p99Ms)}`),
  ];
  if (profile === "soak") {
    const p99s = `p99 ${latencyText(drift.first.p99Ms)} in the first tenth, ${latencyText(drift.last.p99Ms)} in the last`;
    lines.push(fact("drift", p99s));
  }
  if (errors.length === 0) return [...lines, fact("errors", "none")];
  const told = errors.map(
    ({ error, requests, share }) => `${countText(requests)} (${shareText(share)})  ${error}`,
  );
  return [...lines, ...told.map((line, index) => fact(index === 0 ? "errors" : "", line))];
}

function roundMs(seconds: number): number {
  return Math.round(seconds * 10) * 100;
}
