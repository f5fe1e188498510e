import { median } from "../rounds.ts";
import { createDesertedSite } from "./deserted-site.ts";
import { startFilledRedis } from "./filled-redis.ts";
import { type GateRound, type Guard, openPair } from "./measured-pair.ts";
import { type Verdict, verdictOn } from "./verdict.ts";

export interface GateOptions {
  readonly floors: Readonly<Record<Guard, number>>;
  /** What runs the sidecar. */
  readonly entry: string;
  readonly users: number;
  /** No round begins that would not be over by then. */
  readonly secondsMax: number;
  readonly onRound: (round: GateRound, pair: number) => void;
}

export interface GateResult {
  readonly pairs: readonly (readonly GateRound[])[];
  /** The medians of all rounds. */
  readonly shares: Readonly<Record<Guard, number>>;
  readonly verdicts: Readonly<Record<Guard, Verdict>>;
}

const guards = ["guardOff", "guardOn"] as const;
const roundsOfAPair = 5;
/** A round is not calm if a process waited longer than this. */
const waitingMax = 0.7;

/**
 * Compares lookups of users who are in Redis with those of `bare`, the limit, by CPU time, which the noise of a
 * shared machine affects least. It continues, with fresh processes after some rounds, until both shares hold or the
 * time is over.
 */
export async function measureGate(options: GateOptions): Promise<GateResult> {
  const { entry, floors, users, secondsMax, onRound } = options;
  const deadline = performance.now() + secondsMax * 1000;
  using site = await createDesertedSite();
  await using redis = await startFilledRedis(users, site.installation);
  const pairs: GateRound[][] = [];
  // A failure is tested for only once, when the time is over. If it were tested after every round, chance would have
  // as many opportunities.
  const isEnough = () => guards.every((guard) => verdictFor(guard) === "holds");
  let isOver = false;
  while (!isOver) {
    const pairAt = performance.now();
    await using pair = await openPair({ site, redis, entry });
    const preparationMs = performance.now() - pairAt;
    const rounds: GateRound[] = [];
    pairs.push(rounds);
    while (!isOver && rounds.length < roundsOfAPair) {
      const roundAt = performance.now();
      const round = await pair.measure(rounds.length);
      rounds.push(round);
      onRound(round, pairs.length);
      const now = performance.now();
      const nextMs = now - roundAt + (rounds.length === roundsOfAPair ? preparationMs : 0);
      isOver = isEnough() || now + nextMs > deadline;
    }
  }
  return {
    pairs,
    shares: { guardOff: medianWith("guardOff"), guardOn: medianWith("guardOn") },
    verdicts: { guardOff: verdictFor("guardOff"), guardOn: verdictFor("guardOn") },
  };

  function verdictFor(guard: Guard): Verdict {
    const ratios = pairs.map((rounds) =>
      rounds.map((round) => ({ ratio: shareOf(round, guard), isCalm: isCalm(round) })),
    );
    return verdictOn(ratios, floors[guard], quietestShare(pairs.flat(), guard));
  }

  function medianWith(guard: Guard): number {
    return median(pairs.flat().map((round) => shareOf(round, guard)));
  }
}

/**
 * Returns the share of the least CPU times, whichever rounds they are from. Others on the machine can only add to
 * them, so they are closest to what the code itself needs.
 */
export function quietestShare(rounds: readonly GateRound[], guard: Guard): number {
  return Math.min(...rounds.map(({ bare }) => bare)) / Math.min(...rounds.map((round) => round[guard]));
}

export function isCalm({ waiting }: GateRound): boolean {
  return waiting <= waitingMax;
}

/** Returns the CPU time of `bare` as a share of the sidecar's, for the same work. */
export function shareOf(round: GateRound, guard: Guard): number {
  return round.bare / round[guard];
}
