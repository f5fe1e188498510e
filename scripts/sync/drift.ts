import { UserUnknown } from "../../src/errors.ts";
import type { Observation } from "./population.ts";
import type { Sides } from "./sides.ts";

export const driftKinds = {
  differsFromRow: ["hash holds another value than its row", "hashes hold another value than their row"],
  userWithoutData: ["hash is of a user without data", "hashes are of users without data"],
  unknownUser: ["hash is of a login id that nobody has", "hashes are of login ids that nobody has"],
  blockedUser: ["hash is of a blocked user", "hashes are of blocked users"],
  otherSpelling: [
    "hash is under a spelling that the table does not store",
    "hashes are under a spelling that the table does not store",
  ],
  anotherType: ["key holds another type than a hash", "keys hold another type than a hash"],
} as const satisfies Record<string, readonly [one: string, many: string]>;

export type DriftKind = keyof typeof driftKinds;

/** A hash that sidecars believe and that contradicts the table. */
export interface Drift {
  readonly loginId: string;
  readonly hash: string;
  /** `undefined` means that no user who is not blocked has exactly this login id. */
  readonly row: string | null | undefined;
}

export interface Comparison {
  readonly drifts: readonly Drift[];
  /** The number of hashes that sidecars believe. */
  readonly believed: number;
  /** The login ids of all other hashes. */
  readonly unbelieved: readonly string[];
  /** The number of hashes that were written again at every look. Their writers keep them right. */
  readonly unsettled: number;
}

/** Which differences count, so that visiting all rows and then all hashes finds each difference once. */
export type Of = "users with a row" | "login ids without a row";

const looksMax = 5;

/**
 * Compares the hashes of these login ids with their rows, and changes neither. A difference counts only if it is
 * there at a second look at the hash, the row and the hash again: the same lease token shows that no write began in
 * between, so the row did not hold that value while sidecars returned it.
 */
export async function findDrift(sides: Sides, loginIds: readonly string[], of: Of): Promise<Comparison> {
  const first = await look(sides, loginIds, of);
  const drifts: Drift[] = [];
  let suspects = first.differing;
  for (let looks = 1; suspects.length > 0 && looks < looksMax; looks += 1) {
    const { differing } = await look(
      sides,
      suspects.map(({ drift }) => drift.loginId),
      of,
    );
    const again = await sides.population.observe(differing.map(({ drift }) => drift.loginId));
    const isSettled = ({ observation }: Difference, index: number) =>
      isSame(observation, again[index] ?? null);
    drifts.push(...differing.filter(isSettled).map(({ drift }) => drift));
    suspects = differing.filter((difference, index) => !isSettled(difference, index));
  }
  const { believed, unbelieved } = first;
  return { drifts, believed, unbelieved, unsettled: suspects.length };
}

interface Difference {
  readonly drift: Drift;
  readonly observation: Observation;
}

async function look({ population, scan, patience }: Sides, loginIds: readonly string[], of: Of) {
  const observations = await population.observe(loginIds);
  const seen = loginIds.flatMap((loginId, index) => {
    const observation = observations[index];
    return observation ? [{ loginId, observation }] : [];
  });
  const rows = await patience.retry(() => scan.read(seen.map(({ loginId }) => loginId)));
  const differing = seen.flatMap(({ loginId, observation }): Difference[] => {
    const row = rows.get(loginId);
    const isCounted = (row !== undefined) === (of === "users with a row");
    if (!isCounted || row === observation.value) return [];
    return [{ observation, drift: { loginId, hash: observation.value, row } }];
  });
  const unbelieved = loginIds.filter((_, index) => !observations[index]);
  return { differing, believed: seen.length, unbelieved };
}

function isSame(a: Observation, b: Observation | null): boolean {
  return b !== null && a.token === b.token && a.value === b.value;
}

/**
 * Returns the kind of drift. For a missing row, the database says whether the user is blocked or spelled differently.
 */
export async function kindOf(
  { directory, patience }: Sides,
  { loginId, row }: Drift,
): Promise<Exclude<DriftKind, "anotherType">> {
  if (row !== undefined) return row ? "differsFromRow" : "userWithoutData";
  try {
    const user = await patience.retry(() => directory.find(loginId));
    return user.loginId === loginId && user.blocked ? "blockedUser" : "otherSpelling";
  } catch (error) {
    if (error instanceof UserUnknown) return "unknownUser";
    throw error;
  }
}
