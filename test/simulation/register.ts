import type { Operation } from "./history.ts";

/** The interval between the first end and the last start of a value's operations, whichever comes first. */
interface Zone {
  readonly value: string;
  readonly minEnd: number;
  readonly maxStart: number;
}

/**
 * Checks one login id's history by what clients observed alone: whether the operations can be ordered, each at some
 * instant between its start and its end, so that every read returns the last write. If all writes have different
 * values, it is enough to compare pairs of values (Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput.
 * 26(4), 1997). A write with an unknown outcome never ends, and counts only if it was read.
 *
 * Returns why there is no such order, or `null` if there is one.
 */
export function findUnlinearizable(operations: readonly Operation[], firstValue: string): string | null {
  const zones: Zone[] = [];
  const writes = operations.filter(({ kind, outcome }) => kind === "set" && outcome !== "not done");
  const starts = new Map(writes.map((write) => [write.value, write]));
  const reads = Map.groupBy(
    operations.filter(({ kind, outcome }) => (kind === "get" || kind === "session") && outcome === "done"),
    ({ value }) => value,
  );
  for (const [value, answers] of reads) {
    const write = starts.get(value);
    if (write === undefined && value !== firstValue) return `${value} was read but never written`;
    const writtenFrom = write?.startStep ?? -1;
    const writtenTo = write === undefined ? -1 : endOf(write);
    const minEnd = Math.min(writtenTo, ...answers.map(endOf));
    if (minEnd < writtenFrom) return `${value} was read before it was written`;
    zones.push({
      value,
      minEnd,
      maxStart: Math.max(writtenFrom, ...answers.map(({ startStep }) => startStep)),
    });
  }
  for (const write of writes)
    if (write.outcome === "done" && !reads.has(write.value))
      zones.push({ value: write.value, minEnd: endOf(write), maxStart: write.startStep });
  if (!reads.has(firstValue)) zones.push({ value: firstValue, minEnd: -1, maxStart: -1 });
  return findConflict(zones);
}

function endOf({ outcome, endStep }: Operation): number {
  return outcome === "done" ? (endStep ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
}

/**
 * Returns two values that contradict each other. A value with a gap between its first end and its last start must have
 * been in the register during the whole gap.
 */
function findConflict(zones: readonly Zone[]): string | null {
  for (const zone of zones) {
    if (zone.minEnd >= zone.maxStart) continue;
    for (const other of zones) {
      if (other === zone) continue;
      const [from, to] = [Math.min(other.minEnd, other.maxStart), Math.max(other.minEnd, other.maxStart)];
      const isWithin = zone.minEnd < from && to < zone.maxStart;
      const overlaps = other.minEnd < other.maxStart && zone.minEnd < to && from < zone.maxStart;
      if (isWithin || overlaps)
        return `${zone.value || "no data"} was read again after ${other.value || "no data"} had replaced it`;
    }
  }
  return null;
}
