import type { PrivateJwk } from "./key-algorithms.ts";

/**
 * The life of a key. Only the active key signs; all keys of the file are published.
 *
 * | state     | meaning                                                    | times in the file                        |
 * | --------- | ---------------------------------------------------------- | ---------------------------------------- |
 * | `next`    | published, so that verifiers know it before it signs       | `publishedAt`; `activeAt` once scheduled |
 * | `active`  | signs                                                      | `publishedAt`, `activeAt`                |
 * | `retired` | no longer signs, but its tokens have not all expired       | the same and `retiredAt`                 |
 *
 * When the `activeAt` of a `next` key has come, the key is active and the previous one is retired, although the file
 * still says otherwise. A rotation therefore takes one command, and all sidecars switch at the same instant.
 */
export type KeyState = PrivateJwk["state"];

/** What the rules below need to know of a key. */
export interface DatedKey {
  readonly kid: string;
  readonly state: KeyState;
  readonly publishedAt?: string;
  readonly activeAt?: string;
  readonly retiredAt?: string;
}

/**
 * How long it may take until every sidecar publishes what the file says: a sidecar looks at the file once a second,
 * uses it when two looks agree, and clocks may differ by two seconds.
 */
export const publicationMs = 5000;

/** A rotation is refused while the key of the previous one is not yet known to all verifiers. */
export class RotationPending extends Error {
  readonly activeAt: string;

  constructor(activeAt: string) {
    super(`the next key becomes active at ${activeAt}`);
    this.activeAt = activeAt;
  }
}

/** Returns the keys with the states that they have at this instant. */
export function statesAt<Key extends DatedKey>(keys: readonly Key[], nowMs: number): readonly Key[] {
  const due = keys
    .filter((key) => isScheduled(key) && timeOf(key.activeAt) <= nowMs)
    .toSorted((one, other) => timeOf(one.activeAt) - timeOf(other.activeAt));
  const successor = due.at(-1);
  if (successor === undefined) return keys;
  return keys.map((key) => {
    if (key === successor) return { ...key, state: "active" };
    const hasSigned = key.state === "active" || due.includes(key);
    return hasSigned ? { ...key, state: "retired", retiredAt: successor.activeAt } : key;
  });
}

/** Returns the next key that a rotation has scheduled, or `null`. */
export function scheduledKey<Key extends DatedKey>(keys: readonly Key[]): Key | null {
  return keys.find(isScheduled) ?? null;
}

/** What a rotation depends on. */
export interface RotationOptions<Key> {
  readonly nowMs: number;
  /** `JWKS_MAX_AGE_SECONDS`. */
  readonly maxAgeSeconds: number;
  /** Creates a key in the state `next` that is published now. */
  readonly createKey: () => Promise<Key>;
}

/**
 * Returns the keys after a rotation: the oldest next key is scheduled for the instant at which every verifier knows
 * it, and a new next key is published.
 *
 * @throws {RotationPending} an earlier rotation is not finished
 */
export async function rotate<Key extends DatedKey>(
  keys: readonly Key[],
  { nowMs, maxAgeSeconds, createKey }: RotationOptions<Key>,
): Promise<readonly Key[]> {
  const settled = statesAt(keys, nowMs);
  const pending = scheduledKey(settled)?.activeAt;
  if (pending !== undefined) throw new RotationPending(pending);
  const known = oldestNext(settled);
  const successor = known ?? (await createKey());
  const publishedMs = successor.publishedAt === undefined ? nowMs : timeOf(successor.publishedAt);
  const activeAt = instant(Math.max(nowMs, publishedMs + maxAgeSeconds * 1000 + publicationMs));
  const scheduled = { ...successor, publishedAt: successor.publishedAt ?? instant(nowMs), activeAt };
  const others = settled.filter(({ kid }) => kid !== successor.kid);
  return [...others, scheduled, await createKey()];
}

/**
 * Returns the keys after the active one has leaked: it is removed, so that nothing it signs is valid any more, and
 * the next key signs immediately.
 */
export async function replaceLeaked<Key extends DatedKey>(
  keys: readonly Key[],
  { nowMs, createKey }: RotationOptions<Key>,
): Promise<readonly Key[]> {
  const settled = statesAt(keys, nowMs);
  const successor = scheduledKey(settled) ?? oldestNext(settled) ?? (await createKey());
  const others = settled.filter(({ kid, state }) => state !== "active" && kid !== successor.kid);
  const active = { ...successor, state: "active" as const, activeAt: instant(nowMs) };
  const hasNext = others.some(({ state }) => state === "next");
  return [...others, active, ...(hasNext ? [] : [await createKey()])];
}

/**
 * Returns when a retired key may be removed because its last token has expired, in milliseconds since the Unix epoch.
 * A key without a time was retired by hand, at the latest now.
 */
export function removableAt(
  { retiredAt }: DatedKey,
  limits: { readonly nowMs: number; readonly maxAgeSeconds: number; readonly longestTokenSeconds: number },
): number {
  const retiredMs = retiredAt === undefined ? limits.nowMs : timeOf(retiredAt);
  // A sidecar that reads the successor late publishes it for `maxAgeSeconds` before it switches.
  return retiredMs + (limits.longestTokenSeconds + limits.maxAgeSeconds) * 1000 + publicationMs;
}

export function instant(ms: number): string {
  return new Date(ms).toISOString();
}

function isScheduled({ state, activeAt }: DatedKey): boolean {
  return state === "next" && activeAt !== undefined;
}

/**
 * Returns the unscheduled `next` key that has been published longest. A key without `publishedAt` was added by hand,
 * and nobody knows since when it is public.
 */
function oldestNext<Key extends DatedKey>(keys: readonly Key[]): Key | null {
  const unscheduled = keys.filter((key) => key.state === "next" && !isScheduled(key));
  const [oldest] = unscheduled.toSorted((one, other) => timeOf(one.publishedAt) - timeOf(other.publishedAt));
  return oldest ?? null;
}

function timeOf(text: string | undefined): number {
  return text === undefined ? Number.POSITIVE_INFINITY : Date.parse(text);
}
