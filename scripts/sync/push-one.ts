import type { HotFound, RepeatableBegin } from "../../src/coherence/hot-copy.ts";
import { createRowWriter, RowChanged } from "../../src/coherence/row-write.ts";
import type { UserRecord } from "../../src/coherence/user-directory.ts";
import { fenceMs } from "../../src/config/coherence-config.ts";
import {
  OutcomeUnknown,
  OwnIdDataTooLong,
  UserBlocked,
  UserUnknown,
  ValueAltered,
  WriteContended,
  WriteSuppressed,
} from "../../src/errors.ts";
import { digestOf, type PlannedPush } from "./push-plan.ts";
import type { Sides } from "./sides.ts";

/** How the push of one user can end, and what the summary says about it. */
export const outcomes = {
  written: ["row was written", "rows were written"],
  conflict: [
    "row has changed since it was listed and was left",
    "rows have changed since they were listed and were left",
  ],
  settled: [
    "user was written by a sidecar since and was left",
    "users were written by a sidecar since and were left",
  ],
  gone: [
    "hash was written, has expired or is not believed any more: its row stays as it is",
    "hashes were written, have expired or are not believed any more: their rows stay as they are",
  ],
  unproven: [
    "row was left, because a sidecar may have written it since a push began to write it",
    "rows were left, because a sidecar may have written them since a push began to write them",
  ],
  refused: [
    "user is blocked, or the column cannot hold the value",
    "users are blocked, or the column cannot hold the values",
  ],
  altered: [
    "row does not hold what was sent: a trigger or rule of the table is in the way",
    "rows do not hold what was sent: a trigger or rule of the table is in the way",
  ],
  unfinished: [
    "row may or may not have been written: run it again to settle it",
    "rows may or may not have been written: run it again to settle them",
  ],
} as const satisfies Record<string, readonly [one: string, many: string]>;

export type PushOutcome = keyof typeof outcomes;

/** What the hash held when it was listed, and how BEGIN recognizes that nobody has written it since. */
export interface ListedHash extends Omit<RepeatableBegin, "lockMs"> {
  readonly value: string;
}

/** One user's push. */
export interface Push extends Pick<PlannedPush, "loginId" | "row"> {
  /** `null` if the hash does not hold what was listed. The token is empty if a sidecar may have written the hash. */
  readonly listed: ListedHash | null;
  /** Whether an earlier push that was stopped may have removed the value from the hash. */
  readonly isResumed: boolean;
}

export type PushSides = Pick<Sides, "directory" | "population" | "patience" | "statementMs">;

/**
 * Creates the SET of one user, on the condition that neither the row nor the hash has been written since they were
 * listed. A write that a sidecar has acknowledged since then is never overwritten, even if the row holds the listed
 * value again: no sidecar begins a write of the user until the UPDATE is over. A SET that a side did not answer is
 * repeated on the same condition.
 */
export function createPusher({ directory, population, patience, statementMs }: PushSides) {
  const writeRow = createRowWriter({
    directory,
    hotCopy: population.hotCopy(),
    statementMs,
    onEvent: () => {},
  });
  const lockMs = fenceMs(statementMs);

  return (push: Push): Promise<PushOutcome> => {
    /** How the push ends if another write has begun. No value is given up that a BEGIN of ours may have removed. */
    let ifHashWritten: PushOutcome = push.isResumed ? "unproven" : "gone";

    async function write(user: UserRecord, listed: ListedHash): Promise<PushOutcome> {
      const { value, token, seen } = listed;
      const repeatable = { token, seen, lockMs };
      let isHashWritten = false;
      const onlyIf = (found: HotFound) => {
        isHashWritten = !isUnwritten(listed, found);
        return !isHashWritten;
      };
      try {
        await writeRow({ user, ownIdData: value, mode: { onlyIf }, repeatable });
        return "written";
      } catch (error) {
        if (isHashWritten) return ifHashWritten;
        ifHashWritten = "unproven";
        throw error;
      }
    }

    async function attempt(): Promise<PushOutcome> {
      const user = await directory.find(push.loginId);
      const listed = examine(push, user);
      if (typeof listed === "string") return listed;
      return directory.fits(listed.value) ? write(user, listed) : "refused";
    }

    return patience.retry(() => attempt().catch(finalOutcome)).catch(openOutcome);
  };
}

/** Returns what is to be written, or how the push ends without a write. */
function examine({ loginId, row, listed }: Push, user: UserRecord): ListedHash | PushOutcome {
  if (user.loginId !== loginId) return "conflict";
  if (user.blocked) return "refused";
  const isAsListed = digestOf(user.ownIdData) === row;
  if (listed === null) return isAsListed ? "gone" : "settled";
  if (user.ownIdData === listed.value) return "written";
  if (!isAsListed) return "conflict";
  return listed.token === "" ? "unproven" : listed;
}

/**
 * Returns whether nobody else has written since the listed value was read, whichever of our BEGINs removed it. Beside our
 * own token, a value is that of a lookup. A sidecar may have hit it and acknowledged a set of the same value without a
 * trace.
 */
function isUnwritten({ token, seen }: ListedHash, found: HotFound): boolean {
  if (found.token === null) return false;
  return found.token === seen || (found.value === null && found.token.startsWith(`${token}:`));
}

/** @throws the error, if a repetition may end otherwise */
function finalOutcome(error: unknown): PushOutcome {
  if (error instanceof RowChanged || error instanceof UserUnknown) return "conflict";
  if (error instanceof UserBlocked || error instanceof OwnIdDataTooLong) return "refused";
  if (error instanceof ValueAltered || error instanceof WriteSuppressed) return "altered";
  throw error;
}

/** @throws the error, if a side did not answer and the work ends */
function openOutcome(error: unknown): PushOutcome {
  if (error instanceof OutcomeUnknown || error instanceof WriteContended) return "unfinished";
  throw error;
}
