import { type Check, fine, type Verdict, warning, worstOf, wrong } from "./check.ts";

/** How far a server's clock is ahead of this host's, give or take. */
export interface ClockReading {
  readonly aheadMs: number;
  readonly uncertaintyMs: number;
}

export interface Clocks {
  /** `null` where there is none of its own, or none that answers. */
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

/** Where two servers agree with each other and not with this host, it is the host that is to be doubted. */
function judge({ aheadMs, uncertaintyMs }: ClockReading, others: readonly ClockReading[]): Verdict {
  const differenceMs = Math.max(0, Math.abs(aheadMs) - uncertaintyMs);
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  if (differenceMs <= warningMs) return fine(`${seconds} s apart; ${noOutsideSource}`);
  const detail = `${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this host`;
  const verdict = differenceMs > wrongMs ? wrong : warning;
  const agrees = others.some((other) => Math.abs(other.aheadMs - aheadMs) <= warningMs);
  if (agrees)
    return verdict(`${detail}, and database and Redis agree: this host's clock is off`, synchronise);
  return verdict(`${detail}; ${noOutsideSource}`, `${synchronise}   # on both machines`);
}

const synchronise = "timedatectl set-ntp true";

/** Somewhere between sending and receiving, the server looked at its clock. `ask` answers what it saw, in ms. */
export async function readClock(ask: () => Promise<number>, now: () => number): Promise<ClockReading> {
  const sentAt = now();
  const serverMs = await ask();
  const receivedAt = now();
  return { aheadMs: serverMs - (sentAt + receivedAt) / 2, uncertaintyMs: (receivedAt - sentAt) / 2 };
}
