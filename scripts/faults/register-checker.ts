/** One request of a recorded history, on the one monotonic clock of the process that sent it. */
export interface RegisterOperation {
  readonly loginId: string;
  readonly kind: "get" | "set";
  /** What a `get` answered or a `set` was to write; `null` = the user has no data, as before the first `set`. */
  readonly value: string | null;
  readonly invokedAt: number;
  /** `null`: no answer ever came. */
  readonly returnedAt: number | null;
  /** Of a `set`: `failed` = known to have had no effect; `unknown` = perhaps, now or a little later, or never. */
  readonly outcome: "ok" | "failed" | "unknown";
}

export interface CheckRules {
  /** A `set` of unknown outcome takes effect so long after its invocation at most, or never. */
  readonly unknownMs: number;
}

export interface Violation {
  readonly loginId: string;
  readonly reason: "never written" | "known not done" | "read too early" | "written twice" | "no order";
  readonly explanation: string;
}

/** An operation that had its effect, and between which instants. */
interface Effect {
  readonly operation: RegisterOperation;
  readonly from: number;
  readonly until: number;
}

/** All that is known of one value: its write, and the reads that answered it. */
interface Zone {
  readonly write: Effect;
  /** Of these, the one that ended first and the one that began last. */
  firstEnd: Effect;
  lastBegin: Effect;
}

/**
 * Whether each login id was one atomic register, from `null` on, by Gibbons and Korach's zones ("Testing shared
 * memories", SIAM J. Comput. 26, 1997); O(n log n), since no value is written twice.
 *
 * In a legal order of the operations those of one value stand together, its write first. So the order of the
 * values decides, and "a before b" is forced exactly where an operation of a has ended before one of b began.
 * That relation has a cycle only if two values force each other; for of the values on a cycle, the one with the
 * latest beginning is preceded by all, and itself precedes the next. Every violation is shown by four operations.
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
  const accuse = (reason: Violation["reason"], explanation: string) =>
    violations.push({ loginId, reason, explanation });

  const { zones, notDone, twice } = collectWrites(loginId, operations, rules);
  for (const operation of twice) accuse("written twice", describe(operation));

  const seen = new Set<string | null>([null]);
  for (const operation of operations) {
    if (operation.kind !== "get" || operation.outcome !== "ok") continue;
    const zone = zones.get(operation.value);
    const read = effectOf(operation, rules);
    if (zone === undefined) {
      accuse(notDone.has(operation.value) ? "known not done" : "never written", describe(operation));
    } else if (read.until < zone.write.from) {
      accuse("read too early", `${describe(operation)} ended before ${describe(zone.write.operation)} began`);
    } else {
      seen.add(operation.value);
      widen(zone, read);
    }
  }
  // A write of unknown outcome that nobody saw may not have happened, and then it forces nothing.
  const certain = [...zones].filter(
    ([value, { write }]) => write.operation.outcome === "ok" || seen.has(value),
  );
  for (const [a, b] of findContradictions(certain.map(([, zone]) => zone))) {
    accuse("no order", `${forces(a, b)}; and yet ${forces(b, a)}`);
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

/** Pairs of values of which each must come before the other. */
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
  // Two values that were each over before they began force nothing on each other.
  for (const zone of zones) {
    const other = isForward(zone) ? undefined : lastEndingBefore(forward, zone.lastBegin.from);
    if (other !== undefined && excludeEachOther(other, zone)) contradictions.push([other, zone]);
  }
  return contradictions;
}

/** Of zones sorted by their first end, the last whose first end lies before an instant. */
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
