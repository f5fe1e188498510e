import type { Axis } from "./axes.ts";
import { scrolling } from "./scrolling.ts";

export interface Series {
  readonly name: string;
  /** The class that gives the line its color and dashes. */
  readonly look: "first" | "second" | "third" | "fourth" | "planned" | "failed";
  /** `null` breaks the line. */
  readonly points: readonly { readonly x: number; readonly y: number | null }[];
}

export interface LinePlot {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** What a screen reader says. */
  readonly description: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** The text that is shown while the pointer rests between two values of x. */
  readonly hints: readonly { readonly from: number; readonly to: number; readonly text: string }[];
}

const width = 860;
const height = 300;
const left = 72;
const right = 96;
const top = 14;
const bottom = 48;
const plotWidth = width - left - right;
const plotHeight = height - top - bottom;
const labelDistance = 16;

/**
 * Returns a plot as HTML with an inline SVG that needs no script and no font. Each line is labeled at its end, and
 * above the plot for screens that do not show the end.
 */
export function linePlot(plot: LinePlot): string {
  const keys = plot.series.map(
    ({ name, look }) =>
      `<li><svg class="key" viewBox="0 0 28 6" aria-hidden="true"><line class="line ${look}" x1="0" x2="28" y1="3" y2="3"/></svg>${Bun.escapeHTML(name)}</li>`,
  );
  return `<ul class="legend">${keys.join("")}</ul>${scrolling(svgOf(plot))}`;
}

function svgOf(plot: LinePlot): string {
  const { id, title, description, x, y, series } = plot;
  const toX = (value: number) => round(left + x.place(value) * plotWidth);
  const toY = (value: number) => round(top + (1 - y.place(value)) * plotHeight);
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${Bun.escapeHTML(title)}</title>`,
    `<desc id="${id}-desc">${Bun.escapeHTML(description)}</desc>`,
    ...y.ticks.map(
      ({ at, text }) =>
        `<line class="grid" x1="${left}" x2="${left + plotWidth}" y1="${toY(at)}" y2="${toY(at)}"/>` +
        `<text class="tick" x="${left - 8}" y="${toY(at) + 4}" text-anchor="end">${Bun.escapeHTML(text)}</text>`,
    ),
    ...x.ticks.map(
      ({ at, text }) =>
        `<line class="mark" x1="${toX(at)}" x2="${toX(at)}" y1="${top + plotHeight}" y2="${top + plotHeight + 5}"/>` +
        `<text class="tick" x="${toX(at)}" y="${top + plotHeight + 19}" text-anchor="middle">${Bun.escapeHTML(text)}</text>`,
    ),
    `<line class="base" x1="${left}" x2="${left + plotWidth}" y1="${top + plotHeight}" y2="${top + plotHeight}"/>`,
    `<text class="axis" x="${left + plotWidth / 2}" y="${height - 6}" text-anchor="middle">${Bun.escapeHTML(x.label)}</text>`,
    `<text class="axis" transform="translate(14 ${top + plotHeight / 2}) rotate(-90)" text-anchor="middle">${Bun.escapeHTML(y.label)}</text>`,
    ...series.map(({ look, points }) => lineOf(look, points, toX, toY)),
    ...labelsOf(series, toY),
    ...hintsOf(plot, toX),
    "</svg>",
  ].join("\n");
}

type Place = (value: number) => number;

function lineOf(look: Series["look"], points: Series["points"], toX: Place, toY: Place): string {
  let path = "";
  let isBroken = true;
  for (const [index, { x, y }] of points.entries()) {
    if (y === null) {
      isBroken = true;
      continue;
    }
    // A point without neighbors would be invisible. Round line ends turn a segment of zero length into a dot.
    const isAlone = isBroken && (points[index + 1]?.y ?? null) === null;
    path += `${isBroken ? "M" : "L"}${toX(x)} ${toY(y)}${isAlone ? "h0.1" : ""}`;
    isBroken = false;
  }
  return `<path class="line ${look}" d="${path === "" ? "M0 0" : path}"/>`;
}

/** Returns the labels at the ends of the lines, moved apart if they would overlap. */
function labelsOf(series: readonly Series[], toY: Place): string[] {
  const ends = series
    .map(({ name, look, points }) => ({ name, look, end: points.findLast(({ y }) => y !== null)?.y ?? null }))
    .flatMap(({ name, look, end }) => (end === null ? [] : [{ name, look, y: toY(end) }]))
    .toSorted((one, other) => one.y - other.y);
  // From the lowest label upward, keep a distance of one line. Then, from the top down, move back those that were
  // pushed out of the plot.
  const places = ends.map(({ y }) => y);
  for (let index = places.length - 2; index >= 0; index -= 1) {
    places[index] = Math.min(places[index] ?? 0, (places[index + 1] ?? 0) - labelDistance);
  }
  places[0] = Math.max(places[0] ?? 0, top);
  for (let index = 1; index < places.length; index += 1) {
    places[index] = Math.max(places[index] ?? 0, (places[index - 1] ?? 0) + labelDistance);
  }
  const begin = left + plotWidth + 8;
  return ends.map(({ name, look }, index) => {
    const y = round(places[index] ?? 0);
    return (
      `<line class="line ${look}" x1="${begin}" x2="${begin + 16}" y1="${y}" y2="${y}"/>` +
      `<text class="name" x="${begin + 22}" y="${y + 4}">${Bun.escapeHTML(name)}</text>`
    );
  });
}

function hintsOf({ hints, x }: LinePlot, toX: Place): string[] {
  return hints.map(({ from, to, text }) => {
    const [begin, end] = [toX(from), Math.min(left + plotWidth, toX(to))];
    const share = x.place(to) - x.place(from);
    if (share <= 0 || end <= begin) return "";
    return `<rect class="hint" x="${begin}" y="${top}" width="${round(end - begin)}" height="${plotHeight}"><title>${Bun.escapeHTML(text)}</title></rect>`;
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
