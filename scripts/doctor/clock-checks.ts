import { type Check, fine, type Verdict, warning, worstOf, wrong } from "./check.ts";

/** How far a server's clock is ahead of this host's, with an uncertainty. */
export interface ClockReading {
  readonly aheadMs: number;
  readonly uncertaintyMs: number;
}

export interface Clocks {
  /** `null` if the database has no clock of its own, or did not answer. */
  readonly database: ClockReading | null;
  /** One for each master. */
  readonly redis: readonly ClockReading[];
}

const warningMs = 1000;
const wrongMs = 5000;
const noOutsideSource = "no outside clock was asked, so this host's may be off";

const database: Check<Clocks> = {
  id: "clocks.database",
  title: "host and database",
  examine: ({ database, redis }) =>
    worstOf([database].filter((reading) => reading !== null).map((reading) => judge(reading, redis))),
};

const redis: Check<Clocks> = {
  id: "clocks.redis",
  title: "host and Redis",
  examine: ({ database, redis }) =>
    worstOf(redis.map((reading) => judge(reading, database === null ? [] : [database]))),
};

export function clockChecks(clocks: Clocks): readonly Check<Clocks>[] {
  return [...(clocks.database === null ? [] : [database]), ...(clocks.redis.length === 0 ? [] : [redis])];
}

/** If two servers agree with each other and not with this host, this host is probably wrong. */
function judge({ aheadMs, uncertaintyMs }: ClockReading, others: readonly ClockReading[]): Verdict {
  const differenceMs = Math.max(0, Math.abs(aheadMs) - uncertaintyMs);
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  if (differenceMs <= warningMs) return fine(`${seconds} s apart; ${noOutsideSource}`);
  const detail = `${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this host`;
  const verdict = differenceMs > wrongMs ? wrong : warning;
  const agrees = others.some((other) => Math.abs(other.aheadMs - aheadMs) <= warningMs);
  if (agrees)
    return verdict(`${detail}, and database and Redis agree: this host's clock is off`, synchronize);
  return verdict(`${detail}; ${noOutsideSource}`, `${synchronize}   # on both machines`);
}

const synchronize = "timedatectl set-ntp true";

/**
 * Compares a server's clock with this host's. `ask` returns the server's time in milliseconds. The server reads it at an
 * unknown moment between the request and the answer, so the uncertainty is half of that time.
 */
export async function readClock(ask: () => Promise<number>, now: () => number): Promise<ClockReading> {
  const sentAt = now();
  const serverMs = await ask();
  const receivedAt = now();
  return { aheadMs: serverMs - (sentAt + receivedAt) / 2, uncertaintyMs: (receivedAt - sentAt) / 2 };
}
