import { counted, countText } from "../quantities.ts";
import { untilStopped } from "../stop-on-signal.ts";
import { fillUsers, untilFilling } from "./fill.ts";
import { forgetResumePoint, loadResumePoint, saveResumePoint } from "./resume-point.ts";
import type { Sides } from "./sides.ts";
import { type Summary, secondsSince, tempo } from "./summary.ts";
import { countUsers, type Gait, goThrough, listedUsers } from "./walk.ts";

export interface WarmOptions extends Gait {
  readonly resume: boolean;
  readonly keep: boolean;
}

/** Fills the hash of every enrolled user, in the order of the table, while sidecars serve and write. */
export async function warm(sides: Sides, options: WarmOptions): Promise<Summary> {
  const { population, patience, place } = sides;
  const { batch, stop, keep } = options;
  const run = { place, redis: await population.identity(), keep };
  const { after, users: before } = options.resume ? loadResumePoint(run) : { after: null, users: 0 };
  saveResumePoint({ ...run, after, users: before });

  await Promise.race([patience.retry(() => untilFilling(sides)), untilStopped(stop)]);
  const startedAt = performance.now();
  const figures = { users: 0, enrolled: 0, filled: 0, hits: 0, left: 0 };
  const work = { step: "warm", items: "users", total: await countUsers(sides), before };
  await goThrough(sides, options, work, listedUsers(sides, after, batch), async (page) => {
    const enrolled = page.filter(({ isEnrolled }) => isEnrolled).map(({ loginId }) => loginId);
    const { filled, hits, left } = await fillUsers(sides, enrolled);
    figures.users += page.length;
    figures.enrolled += enrolled.length;
    figures.filled += filled;
    figures.hits += hits;
    figures.left += left;
    const last = page.at(-1)?.loginId ?? null;
    saveResumePoint({ ...run, after: last, users: before + figures.users });
  });
  const isSame = (await population.identity()) === run.redis;
  if (isSame && !stop.aborted) forgetResumePoint();
  return summaryOf(figures, {
    isSame,
    isComplete: !stop.aborted,
    seconds: secondsSince(startedAt),
    options,
    sides,
  });
}

interface Ending {
  readonly isSame: boolean;
  readonly isComplete: boolean;
  readonly seconds: number;
  readonly options: WarmOptions;
  readonly sides: Sides;
}

type Figures = Record<"users" | "enrolled" | "filled" | "hits" | "left", number>;

function summaryOf(figures: Figures, { isSame, isComplete, seconds, options, sides }: Ending): Summary {
  const { users, enrolled, filled, hits, left } = figures;
  const lines = [
    `warm: ${tempo(users, seconds)}.`,
    `${counted(enrolled, "user has", "users have")} data: ${countText(filled)} filled, ${countText(hits)} filled before, ${countText(left)} left to a writer.`,
  ];
  if (!isSame) lines.push("Redis restarted or failed over meanwhile. Run it again, without --resume.");
  else if (!isComplete) lines.push(`Stopped. Continue with: ${options.continuation}`);
  if (sides.ttlMs > 0 && seconds * 1000 > 0.9 * sides.ttlMs) {
    lines.push("This took longer than REDIS_TTL_SECONDS, so the first hashes have expired. See --keep.");
  }
  return { holds: isSame && isComplete, isComplete, seconds, figures, lines };
}
