import { counted, countText } from "../quantities.ts";
import type { ContenderName } from "./contenders.ts";
import type { Sample } from "./measure.ts";
import type { ByContender, Results } from "./results.ts";
import { ratioBetween } from "./targets.ts";

/**
 * Returns a bar chart of the warm lookup: requests per second, and CPU time per request. It is an SVG that follows the
 * reader's light or dark scheme and loads nothing.
 *
 * @throws {Error} the results contain no measurement of the lookup
 */
export function chartOf(results: Results): string {
  const measured = results.workloads.hit;
  if (measured === undefined) throw new Error("the chart shows the workload hit, which was not measured");
  const shown = rows.filter(({ contender }) => measured[contender] !== undefined);
  const bottom = rowsTop + shown.length * rowHeight;
  const captions = captionsOf(results);
  const height = bottom + 14 + captions.length * captionHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${Bun.escapeHTML(summaryOf(measured))}">`,
    `<style>${style}</style>`,
    textAt(0, 18, "heading", "A signed lookup that Redis answers"),
    ...shown.flatMap((row, index) => drawName(row, rowsTop + index * rowHeight)),
    ...panels.flatMap((panel) => drawPanel(panel, measured, shown)),
    ...captions.map((caption, index) => textAt(0, bottom + 18 + index * captionHeight, "small", caption)),
    "</svg>",
    "",
  ].join("\n");
}

const width = 880;
const rowsTop = 66;
const rowHeight = 44;
const barHeight = 18;
const captionHeight = 16;
/** Space that is reserved beside the longest bar for its label. */
const figuresWidth = 142;

interface Row {
  readonly contender: ContenderName;
  readonly name: string;
  readonly note: string;
  readonly look: "limit" | "ours" | "ours part" | "other";
  /** The contender whose value is the unit of this row's ratio, and its name in the label. */
  readonly base: readonly [ContenderName, string] | null;
}

const overBare: Row["base"] = ["bare", "bare"];
const overSidecar: Row["base"] = ["guard-on", "sidecar"];
const sameWork = "same signature check and Redis read";

const rows: readonly Row[] = [
  row("bare", "bare Bun.serve", "by hand, only the necessary work", "limit", null),
  row("guard-off", "ownid-sidecar, guard off", "REPLAY_PROTECTION=off", "ours part", overBare),
  row("guard-on", "ownid-sidecar", "default settings, replay guard on", "ours", overBare),
  row("fastify", "Fastify on Node", sameWork, "other", overSidecar),
  row("express", "Express on Node", sameWork, "other", overSidecar),
  row("sample", "OwnID's sample on Node", "Express, a plain object, no check", "other", overSidecar),
];

function row(
  contender: ContenderName,
  name: string,
  note: string,
  look: Row["look"],
  base: Row["base"],
): Row {
  return { contender, name, note, look, base };
}

interface Panel {
  readonly left: number;
  readonly width: number;
  readonly title: string;
  readonly better: string;
  readonly figure: (sample: Sample) => number;
  readonly format: (figure: number) => string;
}

const panels: readonly Panel[] = [
  {
    left: 226,
    width: 326,
    title: "Requests per second",
    better: "more is better",
    figure: ({ requestsPerSecond }) => requestsPerSecond,
    format: (figure) => countText(Math.round(figure)),
  },
  {
    left: 568,
    width: 312,
    title: "CPU time per request",
    better: "less is better",
    figure: ({ cpuUs }) => cpuUs,
    format: (figure) => `${figure.toFixed(figure < 99.95 ? 1 : 0)} µs`,
  },
];

const style = `
  text { font: 13px -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .heading { font-size: 16px; font-weight: 600 }
  .strong { font-weight: 600 }
  .small, .faint { font-size: 11px; fill: #59636e }
  .faint { font-weight: 400 }
  line { stroke: #d1d9e0 }
  .limit { fill: #c3ccd5 } .other { fill: #8c96a0 } .ours { fill: #0969da } .part { fill: #6cb0f7 }
  circle { fill: #1f2328; stroke: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small, .faint { fill: #9198a1 }
    line { stroke: #3d444d }
    .limit { fill: #565f6a } .other { fill: #7a828e } .ours { fill: #4493f8 } .part { fill: #2a5fa8 }
    circle { fill: #f0f6fc; stroke: #0d1117 }
  }
`;

function drawName({ name, note, look }: Row, top: number): string[] {
  return [textAt(0, top + 12, look === "ours" ? "strong" : "", name), textAt(0, top + 27, "small", note)];
}

function drawPanel(panel: Panel, measured: ByContender<Sample>, shown: readonly Row[]): string[] {
  const { left, title, better, figure } = panel;
  const all = shown.flatMap(({ contender }) => measured[contender]?.rounds.map(figure) ?? []);
  const scale = (panel.width - figuresWidth) / Math.max(...all);
  const bottom = rowsTop + shown.length * rowHeight - 12;
  return [
    `<text x="${left}" y="46" class="strong">${title}<tspan dx="8" class="faint">${better}</tspan></text>`,
    `<line x1="${left}" x2="${left}" y1="${rowsTop - 6}" y2="${bottom}"/>`,
    ...shown.flatMap((row, index) => drawBar(panel, measured, row, scale, rowsTop + index * rowHeight)),
  ];
}

/** Draws a bar that ends at the median, with a dot for each round. */
function drawBar(
  panel: Panel,
  measured: ByContender<Sample>,
  row: Row,
  scale: number,
  top: number,
): string[] {
  const { left, figure, format } = panel;
  const own = measured[row.contender];
  if (own === undefined) return [];
  const at = (sample: Sample) => left + figure(sample) * scale;
  const middle = top + barHeight / 2 + 2;
  const figuresLeft = Math.max(at(own.median), ...own.rounds.map(at)) + 9;
  const multiple = multipleOf(panel, measured, row);
  return [
    `<rect class="${row.look}" x="${left}" y="${middle - barHeight / 2}" width="${fixed(at(own.median) - left)}" height="${barHeight}" rx="2"/>`,
    ...own.rounds.map((sample) => `<circle cx="${fixed(at(sample))}" cy="${middle}" r="2.5"/>`),
    `<text x="${fixed(figuresLeft)}" y="${middle + 5}" class="strong">${format(figure(own.median))}<tspan dx="7" class="faint">${multiple}</tspan></text>`,
  ];
}

/** Returns the median of the rounds' ratios, as in all tables, and not the ratio of the medians. */
function multipleOf({ figure }: Panel, measured: ByContender<Sample>, { contender, base }: Row): string {
  if (base === null) return "the yardstick";
  const ratio = ratioBetween(measured, contender, base[0], figure);
  return ratio === null ? "" : `${ratio.median.toFixed(ratio.median < 9.95 ? 2 : 1)}× ${base[1]}`;
}

function captionsOf({ plan, machine, versions, commit, date }: Results): string[] {
  const { rounds, seconds, connections, users, valueBytes } = plan;
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const load = `${counted(connections, "connection")}, ${countText(users.user)} users with ${countText(valueBytes)} bytes each`;
  return [
    `Bars: medians of ${counted(rounds, "round")} of ${seconds} s in alternating order, each with a fresh process; dots: the rounds. ${load}.`,
    `Server, Redis and load generator share ${machine.cores} cores (${machine.cpu}). Ratios are medians of the rounds' ratios. Commit ${commit}, ${date}.`,
    software.join(", "),
  ].map(Bun.escapeHTML);
}

/** Returns a description for screen readers. */
function summaryOf(measured: ByContender<Sample>): string {
  const sentences = rows.flatMap(({ contender, name }) => {
    const { median } = measured[contender] ?? {};
    if (median === undefined) return [];
    return [
      `${name} ${Math.round(median.requestsPerSecond)} requests per second and ${median.cpuUs.toFixed(1)} µs of CPU time for each`,
    ];
  });
  return `A signed lookup that Redis answers: ${sentences.join("; ")}.`;
}

function textAt(x: number, y: number, look: string, content: string): string {
  return `<text x="${x}" y="${y}"${look === "" ? "" : ` class="${look}"`}>${content}</text>`;
}

const fixed = (coordinate: number) => coordinate.toFixed(1);
