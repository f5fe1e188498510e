import { UsageWrong } from "./command.ts";

/** Formats numbers, rates and durations for people, and parses them from a command line. */

const unitsMs: Readonly<Record<string, number>> = {
  us: 0.001,
  µs: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

export interface Limits {
  readonly least: number;
  readonly most: number;
}

/** Parses `20ms`, `1.5s`, `2m`, `1h` or `500us` to milliseconds. @throws {UsageWrong} */
export function parseDurationMs(option: string, text: string, limits: Limits): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m|min|h)$/.exec(text) ?? [];
  const milliseconds = Number(number) * (unitsMs[unit] ?? Number.NaN);
  if (milliseconds >= limits.least && milliseconds <= limits.most) return milliseconds;
  const range = `from ${durationText(limits.least)} to ${durationText(limits.most)}`;
  throw new UsageWrong(`--${option} takes a duration such as 20ms, 30s, 5m or 1h, ${range}.`);
}

/** @throws {UsageWrong} */
export function parseInteger(option: string, text: string, limits: Limits): number {
  const number = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= limits.least && number <= limits.most) return number;
  const range = `from ${countText(limits.least)} to ${countText(limits.most)}`;
  throw new UsageWrong(`--${option} takes a whole number ${range}.`);
}

/** Formats `1234567` as `1,234,567`. */
export function countText(number: number): string {
  return number.toLocaleString("en-US");
}

/** Formats `1 user`, `2 users`, `1,200 hashes`. The plural is the singular with an `s` unless it is given. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${countText(number)} ${number === 1 ? one : many}`;
}

/** Formats `12.3 ms`, with three significant digits and a suitable unit. The text is `–` if the latency is unknown. */
export function latencyText(milliseconds: number | null): string {
  if (milliseconds === null) return "–";
  if (milliseconds < 1) return `${significant(milliseconds * 1000)} µs`;
  return milliseconds < 1000 ? `${significant(milliseconds)} ms` : `${significant(milliseconds / 1000)} s`;
}

/** Formats `498.2`, without a fraction from a thousand on. */
export function rateText(perSecond: number): string {
  return perSecond.toLocaleString("en-US", { maximumFractionDigits: perSecond < 1000 ? 1 : 0 });
}

/** Formats a duration that a person has chosen exactly: `90 s`, `5 min`, `500 ms`. */
export function durationText(milliseconds: number): string {
  if (milliseconds >= 3_600_000 && milliseconds % 3_600_000 === 0) return `${milliseconds / 3_600_000} h`;
  if (milliseconds >= 120_000 && milliseconds % 60_000 === 0) return `${milliseconds / 60_000} min`;
  if (milliseconds >= 1000 || milliseconds === 0) return `${milliseconds / 1000} s`;
  return milliseconds >= 1 ? `${milliseconds} ms` : `${milliseconds * 1000} µs`;
}

/** Formats how long something will still take, rounded up: `3725` seconds are `1 h 3 min`. */
export function timeLeftText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Formats `0.123 %`, and never rounds to zero. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent === 0) return "0 %";
  return percent < 0.01 ? "< 0.01 %" : `${Number(percent.toPrecision(3))} %`;
}

function significant(number: number): string {
  if (number === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(number)));
  return number.toFixed(Math.min(2, digits));
}
