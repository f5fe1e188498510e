import { counted, countText } from "../quantities.ts";
import { driftKinds, findDrift } from "./drift.ts";
import { createPusher, outcomes, type Push, type PushOutcome } from "./push-one.ts";
import { digestOf, openPushPlan, type PlannedPush, type PushPlan } from "./push-plan.ts";
import type { Sides } from "./sides.ts";
import { figureLines, type Summary, secondsSince } from "./summary.ts";
import { countUsers, type Gait, goThrough, listedUsers } from "./walk.ts";

export interface PushOptions extends Gait {
  /** Whether rows are written. */
  readonly yes: boolean;
  /** Called with every login id that would be written, or was not. */
  readonly show: (outcome: string, loginId: string) => void;
}

type Figures = Record<PushOutcome | "users" | "listed", number>;

/**
 * Maximum number of users that are written at once. The deadline gives all of them no more than
 * `COHERENCE_STATEMENT_MS`.
 */
const writesMax = 32;

/**
 * Writes hashes through to rows that hold something else. This is the only command in which Redis wins. It writes
 * only what was listed before, and no row that has changed since, however often it is run. Only a dry run lists again
 * what was left.
 */
export async function push(sides: Sides, options: PushOptions): Promise<Summary> {
  const startedAt = performance.now();
  const redis = await sides.population.identity();
  const plan = openPushPlan(sides.place, redis);
  const figures = noFigures();
  try {
    const listedAt = options.yes ? plan.listedAt() : null;
    if (listedAt === null) await list(sides, options, plan, figures);
    figures.listed = plan.count().planned;
    if (options.yes && !options.stop.aborted) await writeAll(sides, options, plan, figures);
    const isSame = (await sides.population.identity()) === redis;
    const isComplete = isSame && !options.stop.aborted;
    const { open, unproven } = plan.count();
    if (!options.yes) figures.unproven = unproven;
    const ending = { isSame, isComplete, listedAt, options, open, file: plan.file };
    return summaryOf(figures, { ...ending, seconds: secondsSince(startedAt) });
  } finally {
    plan.close();
  }
}

/** Lists every hash that sidecars believe and whose row holds another value or none. */
async function list(sides: Sides, options: PushOptions, plan: PushPlan, figures: Figures): Promise<void> {
  plan.begin();
  const pages = listedUsers(sides, null, options.batch);
  const work = { step: "list", items: "users", total: await countUsers(sides) };
  await goThrough(sides, options, work, pages, async (page) => {
    const loginIds = page.map(({ loginId }) => loginId);
    const { drifts } = await findDrift(sides, loginIds, "users with a row");
    plan.add(
      drifts.map(({ loginId, row = null, hash }) => ({ loginId, row: digestOf(row), hash: digestOf(hash) })),
    );
    figures.users += page.length;
    for (const { loginId } of drifts) options.show("differs", loginId);
  });
  if (!options.stop.aborted) plan.finish();
}

async function writeAll(sides: Sides, options: PushOptions, plan: PushPlan, figures: Figures): Promise<void> {
  const pushOne = createPusher(sides);
  const work = { step: "push", items: "rows", total: figures.listed };
  await goThrough(sides, options, work, planned(plan), async (pushes) => {
    const writes = (await withValues(sides, plan, pushes)).map(pushOne);
    const results = await Promise.allSettled(writes);
    for (const [index, { loginId }] of pushes.entries()) {
      const result = results[index];
      if (result?.status !== "fulfilled") continue;
      figures[result.value] += 1;
      options.show(result.value, loginId);
    }
    plan.remove(loginIdsWhere(pushes, results, ["written", "settled"]));
    plan.holdBack(loginIdsWhere(pushes, results, ["unproven"]));
    plan.leave(loginIdsWhere(pushes, results, ["conflict", "gone"]));
    // If a side does not answer, the work ends once the rest of the batch has ended.
    await Promise.all(writes);
  });
}

function loginIdsWhere(
  pushes: readonly PlannedPush[],
  results: readonly PromiseSettledResult<PushOutcome>[],
  wanted: readonly PushOutcome[],
): string[] {
  return pushes.flatMap(({ loginId }, index) => {
    const result = results[index];
    return result?.status === "fulfilled" && wanted.includes(result.value) ? [loginId] : [];
  });
}

async function* planned(plan: PushPlan): AsyncGenerator<readonly PlannedPush[]> {
  let after = "";
  for (;;) {
    const pushes = plan.next(after, writesMax);
    const last = pushes.at(-1);
    if (last === undefined) return;
    after = last.loginId;
    yield pushes;
  }
}

/**
 * Returns each push with its value: as listed, if the hash is believed and still holds it, or as an earlier push has
 * stored it. The plan has the values on disk before any of them is removed from its hash.
 */
async function withValues(
  { population }: Sides,
  plan: PushPlan,
  pushes: readonly PlannedPush[],
): Promise<readonly Push[]> {
  const observations = await population.observe(pushes.map(({ loginId }) => loginId));
  const listed = observations.map((seen, index) =>
    seen !== null && digestOf(seen.value) === pushes[index]?.hash ? seen : null,
  );
  const values = new Map<string, string>();
  for (const [index, { loginId, value }] of pushes.entries()) {
    const known = value ?? listed[index]?.value;
    if (known !== undefined) values.set(loginId, known);
  }
  const tokens = plan.keepValues(values);
  return pushes.map(({ loginId, row, value: kept }, index) => {
    const [value, token, seen] = [values.get(loginId), tokens.get(loginId), listed[index]?.token ?? null];
    const isKnown = value !== undefined && token !== undefined;
    return { loginId, row, listed: isKnown ? { value, token, seen } : null, isResumed: kept !== null };
  });
}

interface Ending {
  readonly isSame: boolean;
  readonly isComplete: boolean;
  /** When another run made the listing that this one followed. */
  readonly listedAt: string | null;
  readonly options: PushOptions;
  /** The number of values that the plan keeps, including those that are held back. */
  readonly open: number;
  /** The plan. */
  readonly file: string;
  readonly seconds: number;
}

function summaryOf(figures: Figures, ending: Ending): Summary {
  const { isSame, isComplete, listedAt, seconds } = ending;
  const { yes, continuation } = ending.options;
  const { listed, written, settled, unproven } = figures;
  const writable = yes ? listed : listed - unproven;
  const left = ending.open - unproven;
  const differing =
    listedAt === null
      ? counted(writable, ...driftKinds.differsFromRow)
      : `${counted(listed, "hash is", "hashes are")} left of what was listed at ${listedAt}`;
  const lines = [`push: ${differing}.`, ...figureLines(outcomes, figures)];
  if (unproven > 0) lines.push(...adviceOnUnproven(ending.file, left));
  if (!yes && isComplete && writable > 0) {
    lines.push("Nothing was written. To write these values into the table:", "  bun run sync push --yes");
  }
  if (!yes && left > 0)
    lines.push(`${countText(left)} of them ${left === 1 ? "is" : "are"} left from an earlier push.`);
  const isAllWritten = written + settled === listed;
  if (!isSame) lines.push("Redis restarted or failed over meanwhile. List again with: bun run sync push");
  else if (isComplete && yes && !isAllWritten) lines.push("To see what still differs: bun run sync push");
  else if (!isComplete) lines.push(`Stopped. Continue with: ${continuation}`);
  return { holds: isComplete && isAllWritten, isComplete, seconds, figures, lines };
}

/** @param left the number of other values in the file, which would be lost with it */
function adviceOnUnproven(file: string, left: number): string[] {
  return [
    `No push writes the values that these rows may lack. They stay in ${file} until the rows change; scripts/sync/README.md says how to compare them.`,
    ...(left > 0 ? [] : ["If the rows are right as they are, you may delete the file."]),
  ];
}

function noFigures(): Figures {
  return {
    users: 0,
    listed: 0,
    written: 0,
    conflict: 0,
    settled: 0,
    gone: 0,
    unproven: 0,
    refused: 0,
    altered: 0,
    unfinished: 0,
  };
}
