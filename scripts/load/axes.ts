import { latencyText, rateText } from "../quantities.ts";

export interface Tick {
  readonly at: number;
  readonly text: string;
}

export interface Axis {
  readonly label: string;
  readonly ticks: readonly Tick[];
  /** Returns a value's place on the axis, from 0 at its beginning to 1 at its end. */
  place(value: number): number;
}

/** Steps between the labels of a time axis, in seconds. */
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600] as const;
const timeTicksMax = 8;
const rateTicksMax = 5;
/** If the axis covers more decades than this, only the beginning of each decade is labeled. */
const decadesWithSteps = 2.5;

/** Time from the first measured instant. */
export function timeAxis(seconds: number): Axis {
  const step = timeSteps.find((candidate) => seconds / candidate <= timeTicksMax) ?? 21_600;
  const ticks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
  return {
    label: "time from the start of the measurement",
    ticks: ticks.map((at) => ({ at, text: timeText(at, step) })),
    place: (value) => (seconds === 0 ? 0 : value / seconds),
  };
}

/** From zero to a round number that is at least `most`. */
export function rateAxis(most: number): Axis {
  const rough = Math.max(1, most) / rateTicksMax;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10);
  const count = Math.ceil(Math.max(1, most) / step);
  return {
    label: "requests per second",
    ticks: Array.from({ length: count + 1 }, (_, index) => ({
      at: index * step,
      text: rateText(index * step),
    })),
    place: (value) => value / (count * step),
  };
}

/** Logarithmic, from a round number below `least` to one above `most`. */
export function latencyAxis(least: number, most: number): Axis {
  const from = roundDown(least);
  const to = Math.max(roundUp(most), from * 10);
  const decades = Math.log10(to / from);
  const factors = decades <= decadesWithSteps ? [1, 2, 5] : [1];
  const powers = Array.from({ length: 12 }, (_, index) => 10 ** (index - 4));
  const ticks = powers
    .flatMap((power) => factors.map((factor) => factor * power))
    // A power of ten that was computed may be slightly off.
    .filter((at) => at >= from * 0.999 && at <= to * 1.001);
  return {
    label: "latency (logarithmic)",
    ticks: ticks.map((at) => ({ at, text: latencyText(at).replace(/\.0+ /, " ") })),
    place: (value) => Math.log10(Math.max(value, from) / from) / decades,
  };
}

/** Shares of requests at equal steps of log 1/(1 − share), so that each nine takes as much room as the previous one. */
export function percentileAxis(mostShare: number): Axis {
  const decades = Math.max(1, Math.ceil(-Math.log10(1 - mostShare) - 0.001));
  const nines = Array.from({ length: decades }, (_, index) => 1 - 10 ** -(index + 1));
  return {
    label: "share of the requests that took at most this long",
    ticks: [0, 0.5, ...nines].map((at) => ({ at, text: `${percentText(at)} %` })),
    place: (value) => -Math.log10(1 - value) / decades,
  };
}

/** Formats `99.9`, with all of its nines. */
export function percentText(share: number): string {
  return String(Number((share * 100).toPrecision(9)));
}

export function timeText(seconds: number, step = 1): string {
  if (seconds === 0) return "0";
  if (step >= 3600) return `${Math.round((seconds / 3600) * 10) / 10} h`;
  if (step >= 60 || (seconds >= 120 && seconds % 60 === 0)) return `${seconds / 60} min`;
  return `${seconds} s`;
}

function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([5, 2, 1].find((factor) => factor * power <= value) ?? 1);
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10);
}
