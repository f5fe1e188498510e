import { counted, countText } from "../quantities.ts";
import { type Drift, type DriftKind, driftKinds, findDrift, kindOf, type Of } from "./drift.ts";
import { fillUsers } from "./fill.ts";
import type { Sides } from "./sides.ts";
import { figureLines, type Summary, secondsSince, tempo } from "./summary.ts";
import { countUsers, type Gait, goThrough, listedUsers, slices } from "./walk.ts";

export interface VerifyOptions extends Gait {
  /** Whether a hash that differs gets the value of the database. */
  readonly repair: boolean;
  /** Called with every login id that differs. */
  readonly show: (kind: DriftKind, loginId: string) => void;
}

type Figures = Record<DriftKind | "users" | "believed" | "hashes" | "unsettled" | "repaired", number>;

/** Maximum number of login ids whose spelling is looked up in the database at once. */
const lookUpsMax = 50;

/** Compares every row with its hash and then every hash with its row. Repairs them if asked to. */
export async function verify(sides: Sides, options: VerifyOptions): Promise<Summary> {
  const startedAt = performance.now();
  const redis = await sides.population.identity();
  const figures = noFigures();
  await compareRows(sides, options, figures);
  if (!options.stop.aborted) await compareHashes(sides, options, figures);
  const isSame = (await sides.population.identity()) === redis;
  return summaryOf(figures, { isSame, options, seconds: secondsSince(startedAt) });
}

async function compareRows(sides: Sides, options: VerifyOptions, figures: Figures): Promise<void> {
  const pages = listedUsers(sides, null, options.batch);
  const work = { step: "rows", items: "users", total: await countUsers(sides) };
  await goThrough(sides, options, work, pages, async (page) => {
    const loginIds = page.map(({ loginId }) => loginId);
    const { drifts, believed } = await compare(sides, figures, loginIds, "users with a row");
    figures.users += page.length;
    figures.believed += believed;
    await settle(sides, options, figures, drifts);
  });
}

/** SCAN may return a hash twice, so the hashes that differ are remembered, and no others. */
async function compareHashes(sides: Sides, options: VerifyOptions, figures: Figures): Promise<void> {
  const counted = new Set<string>();
  const pages = sides.population.loginIds(options.batch);
  const work = { step: "hashes", items: "hashes", total: await sides.population.size() };
  await goThrough(sides, options, work, pages, async (loginIds) => {
    const { drifts, unbelieved } = await compare(sides, figures, loginIds, "login ids without a row");
    const fresh = drifts.filter(({ loginId }) => !counted.has(loginId));
    const strays = (await sides.population.ofAnotherType(unbelieved)).filter((id) => !counted.has(id));
    for (const loginId of [...fresh.map((drift) => drift.loginId), ...strays]) counted.add(loginId);
    figures.hashes += loginIds.length;
    await settle(sides, options, figures, fresh);
    await removeStrays(sides, options, figures, strays);
  });
}

/** Removes what something else has written under our prefix. */
async function removeStrays(
  sides: Sides,
  { repair, show }: VerifyOptions,
  figures: Figures,
  strays: readonly string[],
): Promise<void> {
  figures.anotherType += strays.length;
  for (const loginId of strays) show("anotherType", loginId);
  if (!repair) return;
  await purge(sides, strays);
  figures.repaired += strays.length;
}

async function purge({ population, patience }: Sides, loginIds: readonly string[]): Promise<void> {
  const hotCopy = population.hotCopy();
  await Promise.all(loginIds.map((loginId) => patience.retry(() => hotCopy.purge(loginId))));
}

async function compare(sides: Sides, figures: Figures, loginIds: readonly string[], of: Of) {
  const comparison = await findDrift(sides, loginIds, of);
  figures.unsettled += comparison.unsettled;
  return comparison;
}

/** Counts what differs by kind, and repairs it: a purge, so that no sidecar believes it, then READ and FILL. */
async function settle(
  sides: Sides,
  { repair, show }: VerifyOptions,
  figures: Figures,
  drifts: readonly Drift[],
): Promise<void> {
  for (const some of slices(drifts, lookUpsMax)) {
    const kinds = await Promise.all(some.map((drift) => kindOf(sides, drift)));
    for (const [index, kind] of kinds.entries()) {
      figures[kind] += 1;
      show(kind, some[index]?.loginId ?? "");
    }
  }
  if (!repair) return;
  await purge(
    sides,
    drifts.map(({ loginId }) => loginId),
  );
  figures.repaired += drifts.length;
  const withData = drifts.filter(({ row }) => row).map(({ loginId }) => loginId);
  if (withData.length > 0) await fillUsers(sides, withData);
}

interface Ending {
  readonly isSame: boolean;
  readonly options: VerifyOptions;
  readonly seconds: number;
}

function summaryOf(figures: Figures, { isSame, options, seconds }: Ending): Summary {
  const { users, believed, hashes, unsettled, repaired, ...drift } = figures;
  const total = Object.values(drift).reduce((sum, number) => sum + number, 0);
  const isComplete = !options.stop.aborted && isSame;
  const lines = [
    `${options.repair ? "sync" : "verify"}: ${tempo(users, seconds)}.`,
    `${counted(believed, "user has", "users have")} a hash that sidecars answer with; then ${counted(hashes, "hash was compared with its row", "hashes were compared with their rows")}.`,
    `${counted(total, "hash contradicts", "hashes contradict")} the table${options.repair ? `; ${countText(repaired)} corrected` : ""}.`,
    ...figureLines(driftKinds, drift),
  ];
  if (unsettled > 0) {
    lines.push(
      `${counted(unsettled, "hash was", "hashes were")} being written at every look and could not be judged.`,
    );
  }
  if (!isSame)
    lines.push("Redis restarted or failed over meanwhile, so these figures say little. Run it again.");
  if (options.stop.aborted) {
    const done = options.repair ? "What was corrected until then stays corrected." : "Nothing was written.";
    lines.push(`Stopped before the end. ${done}`);
  }
  return { holds: isComplete && total === 0, isComplete, seconds, figures, lines };
}

function noFigures(): Figures {
  return {
    users: 0,
    believed: 0,
    hashes: 0,
    unsettled: 0,
    repaired: 0,
    differsFromRow: 0,
    userWithoutData: 0,
    unknownUser: 0,
    blockedUser: 0,
    anotherType: 0,
    otherSpelling: 0,
  };
}
