/** One request of a recorded history. Times are from the monotonic clock of the process that sent it. */
export interface RegisterOperation {
  readonly loginId: string;
  readonly kind: "get" | "set";
  /**
   * The value that a `get` returned or a `set` wrote; `null` means that the user has no data, as before the first
   * `set`.
   */
  readonly value: string | null;
  readonly invokedAt: number;
  /** `null` if there was no answer. */
  readonly returnedAt: number | null;
  /**
   * For a `set`, `failed` means that it is known to have had no effect. `unknown` means that it may have had an effect
   * at once, a little later, or never.
   */
  readonly outcome: "ok" | "failed" | "unknown";
}

export interface CheckRules {
  /** How long after its invocation a `set` with an unknown outcome can still take effect. */
  readonly unknownMs: number;
}

export interface Violation {
  readonly loginId: string;
  readonly reason: "never written" | "known not done" | "read too early" | "written twice" | "no order";
  readonly explanation: string;
}

/** An operation that took effect, and the interval in which it did. */
interface Effect {
  readonly operation: RegisterOperation;
  readonly from: number;
  readonly until: number;
}

/** Everything that is known about one value: its write and the reads that returned it. */
interface Zone {
  readonly write: Effect;
  /** The operation of these that ended first, and the one that began last. */
  firstEnd: Effect;
  lastBegin: Effect;
}

/**
 * Returns the violations of atomicity, checking each login id as one register that begins with `null`. It uses the
 * zones of Gibbons and Korach ("Testing shared memories", SIAM J. Comput. 26, 1997) and takes O(n log n), since no
 * value is written twice.
 *
 * In a valid order, all operations of one value are adjacent, beginning with its write. It is therefore enough to order
 * the values. Value a must come before b if an operation of a ended before one of b began. This relation has a cycle
 * only if it has one of two values: of the values in a cycle, the one that begins last is preceded by all of them and
 * precedes the next one. Four operations are therefore enough to explain each violation.
 */
export function findViolations(history: readonly RegisterOperation[], rules: CheckRules): Violation[] {
  const byLoginId = Map.groupBy(history, ({ loginId }) => loginId);
  return [...byLoginId].flatMap(([loginId, operations]) => checkRegister(loginId, operations, rules));
}

function checkRegister(
  loginId: string,
  operations: readonly RegisterOperation[],
  rules: CheckRules,
): Violation[] {
  const violations: Violation[] = [];
  const report = (reason: Violation["reason"], explanation: string) =>
    violations.push({ loginId, reason, explanation });

  const { zones, notDone, twice } = collectWrites(loginId, operations, rules);
  for (const operation of twice) report("written twice", describe(operation));

  const seen = new Set<string | null>([null]);
  for (const operation of operations) {
    if (operation.kind !== "get" || operation.outcome !== "ok") continue;
    const zone = zones.get(operation.value);
    const read = effectOf(operation, rules);
    if (zone === undefined) {
      report(notDone.has(operation.value) ? "known not done" : "never written", describe(operation));
    } else if (read.until < zone.write.from) {
      report("read too early", `${describe(operation)} ended before ${describe(zone.write.operation)} began`);
    } else {
      seen.add(operation.value);
      widen(zone, read);
    }
  }
  // If nobody saw a write with an unknown outcome, it may not have happened, and then it restricts nothing.
  const certain = [...zones].filter(
    ([value, { write }]) => write.operation.outcome === "ok" || seen.has(value),
  );
  for (const [a, b] of findContradictions(certain.map(([, zone]) => zone))) {
    report("no order", `${forces(a, b)}; but ${forces(b, a)}`);
  }
  return violations;
}

function collectWrites(loginId: string, operations: readonly RegisterOperation[], rules: CheckRules) {
  const zones = new Map<string | null, Zone>([[null, zoneOf(beginningOf(loginId))]]);
  const notDone = new Set<string | null>();
  const twice: RegisterOperation[] = [];
  for (const operation of operations) {
    if (operation.kind !== "set") continue;
    const { value } = operation;
    if (zones.has(value) || notDone.has(value)) twice.push(operation);
    else if (operation.outcome === "failed") notDone.add(value);
    else zones.set(value, zoneOf(effectOf(operation, rules)));
  }
  return { zones, notDone, twice };
}

/** Returns the pairs of values of which each would have to come before the other. */
function findContradictions(zones: readonly Zone[]): [Zone, Zone][] {
  const contradictions: [Zone, Zone][] = [];
  const isForward = (zone: Zone) => zone.firstEnd.until < zone.lastBegin.from;
  const byFirstEnd = (a: Zone, b: Zone) => (a.firstEnd.until < b.firstEnd.until ? -1 : 1);
  const forward = zones.filter(isForward).sort(byFirstEnd);

  let longest: Zone | null = null;
  for (const zone of forward) {
    if (longest !== null && excludeEachOther(longest, zone)) contradictions.push([longest, zone]);
    if (longest === null || longest.lastBegin.from < zone.lastBegin.from) longest = zone;
  }
  // Two values whose operations all overlap do not restrict each other.
  for (const zone of zones) {
    const other = isForward(zone) ? undefined : lastEndingBefore(forward, zone.lastBegin.from);
    if (other !== undefined && excludeEachOther(other, zone)) contradictions.push([other, zone]);
  }
  return contradictions;
}

/** Searches zones that are sorted by their first end. Returns the last one whose first end is before an instant. */
function lastEndingBefore(sorted: readonly Zone[], instant: number): Zone | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const zone = sorted[middle];
    if (zone !== undefined && zone.firstEnd.until < instant) low = middle + 1;
    else high = middle;
  }
  return sorted[low - 1];
}

function excludeEachOther(a: Zone, b: Zone): boolean {
  return a.firstEnd.until < b.lastBegin.from && b.firstEnd.until < a.lastBegin.from;
}

function effectOf(operation: RegisterOperation, { unknownMs }: CheckRules): Effect {
  const { invokedAt, returnedAt, outcome } = operation;
  const until = outcome === "unknown" ? invokedAt + unknownMs : (returnedAt ?? Number.POSITIVE_INFINITY);
  return { operation, from: invokedAt, until };
}

function beginningOf(loginId: string): Effect {
  const always = Number.NEGATIVE_INFINITY;
  const operation = { loginId, kind: "set", value: null, invokedAt: always, returnedAt: always } as const;
  return { operation: { ...operation, outcome: "ok" }, from: always, until: always };
}

function zoneOf(write: Effect): Zone {
  return { write, firstEnd: write, lastBegin: write };
}

function widen(zone: Zone, read: Effect): void {
  if (read.until < zone.firstEnd.until) zone.firstEnd = read;
  if (read.from > zone.lastBegin.from) zone.lastBegin = read;
}

function forces(a: Zone, b: Zone): string {
  return `${describe(a.firstEnd.operation)} ended before ${describe(b.lastBegin.operation)} began`;
}

function describe({ kind, value, outcome, invokedAt, returnedAt }: RegisterOperation): string {
  if (invokedAt === Number.NEGATIVE_INFINITY) return "the beginning without data";
  const end = returnedAt === null ? "no answer" : returnedAt.toFixed(1);
  return `${kind} ${value ?? "nothing"} (${outcome}, ${invokedAt.toFixed(1)} to ${end})`;
}
