import type { StoreEvent } from "./write-through.ts";

const lines = {
  "stale hit":
    "a hash contradicted the user's row; it was removed, and the user's sessions and writes are refused until a lookup has read the row",
  "value altered":
    "an UPDATE was committed, but the row does not hold what was sent: a trigger of the user table altered it, or another writer has changed the row since",
  "write suppressed":
    "an UPDATE found the row and changed nothing: a trigger, a rule or row-level security of the user table keeps the row from changing",
} as const satisfies Partial<Record<StoreEvent, string>>;

type LoggedEvent = keyof typeof lines;

const isLogged = (event: StoreEvent): event is LoggedEvent => event in lines;

/**
 * Minimum time between two lines for the same kind of event. If a trigger alters or discards what is written, every write
 * causes the event.
 */
const quietMs = 60_000;

/**
 * Creates a function that logs the events of the store that an operator must know. The metrics count every event
 * besides.
 *
 * @param elapsed returns milliseconds of a monotonic clock
 */
export function createStoreLog(
  logError: (fields: { readonly event: string }, line: string) => void,
  elapsed: () => number,
): (event: StoreEvent) => void {
  const loggedAt = new Map<LoggedEvent, number>();
  return (event) => {
    if (!isLogged(event)) return;
    const now = elapsed();
    if (event !== "stale hit" && now - (loggedAt.get(event) ?? Number.NEGATIVE_INFINITY) < quietMs) return;
    loggedAt.set(event, now);
    logError({ event: event.replaceAll(" ", "_") }, lines[event]);
  };
}
