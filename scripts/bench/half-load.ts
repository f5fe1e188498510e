import { showStatus } from "../status-line.ts";
import { bareLookup, type Contender, type ContenderName, guardOff, guardOn } from "./contenders.ts";
import { AnswersWrong, measure, type Plan, setStage } from "./measure.ts";
import { type OpenLoopReport, runOpenLoop } from "./open-loop.ts";
import { keepOn, type Processors, shareOutProcessors } from "./processors.ts";
import { type HalfLoad, medianPaced, type PacedLatency } from "./results.ts";
import { measureInTurn } from "./rounds.ts";
import type { Site } from "./site.ts";
import { workloads } from "./workloads.ts";

const contenders: readonly Contender[] = [bareLookup, guardOff, guardOn];
/** Of what bare can do. The second is for machines on which the generator cannot keep up with the first. */
const fractions = [1 / 2, 1 / 4] as const;

/**
 * Latency where nothing is saturated: the warm lookup at half the rate that `bare` reaches with wrk, sent at that
 * rate whatever the answers do. Where the generator was late itself in a round, the round does not count for anybody; and
 * where that is so in most of them, the rate is halved once more.
 *
 * @param capacity requests a second of `bare` with wrk; `null` = to be measured here
 * @throws {AnswersWrong} a request had no right answer
 */
export async function measureHalfLoad(site: Site, plan: Plan, capacity: number | null): Promise<HalfLoad> {
  const bareRate = capacity ?? (await rateOfBare(site, plan));
  const processors = shareOutProcessors();
  const redis = await redisPid(site);
  if (processors !== null) keepOn(processors.servers, redis);
  try {
    let tried: HalfLoad | null = null;
    for (const fraction of fractions) {
      tried = await measureAt(fraction, bareRate, { site, plan, processors });
      if (isEnough(tried)) return tried;
    }
    if (tried === null) throw new RangeError("there is no fraction to be measured at");
    // Too few rounds say nothing: better no figure than the generator's own.
    return { ...tried, contenders: {} };
  } finally {
    if (processors !== null) keepOn(processors.all, redis);
  }
}

interface Setting {
  readonly site: Site;
  readonly plan: Plan;
  readonly processors: Processors | null;
}

async function measureAt(fraction: number, bareRate: number, setting: Setting): Promise<HalfLoad> {
  const { rounds } = setting.plan;
  const perSecond = Math.floor(bareRate * fraction);
  const late = new Set<number>();
  const reports = await measureInTurn(contenders, rounds, async (contender, round) => {
    if (late.size > rounds / 2 || late.has(round)) return null;
    showStatus(`half: round ${round + 1} of ${rounds}, ${contender.name}, ${perSecond} requests/s`);
    const report = await load(contender, perSecond, setting);
    if (!hasKeptUp(report)) late.add(round);
    return report;
  });
  const measured = contenders.map((contender): [ContenderName, PacedLatency[]] => {
    const counted = (reports.get(contender) ?? []).filter((_, round) => !late.has(round));
    return [contender.name, counted.filter((report) => report !== null).map(pacedLatency)];
  });
  const rest = { bareRate, fraction, perSecond, lateRounds: late.size };
  if (measured.some(([, each]) => each.length === 0)) return { ...rest, contenders: {} };
  return {
    ...rest,
    contenders: Object.fromEntries(measured.map(([name, each]) => [name, medianPaced(each)])),
  };
}

/** More than half of the rounds that there should be. */
function isEnough({ lateRounds, contenders: measured }: HalfLoad): boolean {
  return (measured.bare?.rounds.length ?? 0) > lateRounds;
}

function pacedLatency({ latencyMs, latenessP99Ms }: OpenLoopReport): PacedLatency {
  return { ...latencyMs, latenessP99: latenessP99Ms };
}

/** What the generator is late is in every latency, so it must be a small part of the one that is told. */
const latenessShareMax = 0.25;

export function hasKeptUp({ latenessP99Ms, latencyMs }: OpenLoopReport): boolean {
  return latenessP99Ms <= latenessShareMax * latencyMs.p99;
}

const warmSeconds = 3;

async function load(contender: Contender, perSecond: number, setting: Setting): Promise<OpenLoopReport> {
  const { site, plan, processors } = setting;
  await using stage = await setStage({ ...plan, site, workload: workloads.hit, contender });
  const { port, pid } = stage.server;
  if (processors !== null) keepOn(processors.servers, pid);
  const report = await runOpenLoop({
    ...{ site, port, perSecond, connections: plan.connections },
    warmSeconds: plan.isWarm ? warmSeconds : 0,
    seconds: plan.seconds,
    processors: processors?.generator ?? null,
  });
  if (report.errors === 0) return report;
  throw new AnswersWrong(
    `${contender.name}, ${perSecond} requests/s: ${report.errors} without a right answer`,
  );
}

async function rateOfBare(site: Site, plan: Plan): Promise<number> {
  showStatus("half: what bare can do");
  return (await measure({ ...plan, site, workload: workloads.hit, contender: bareLookup })).requestsPerSecond;
}

async function redisPid({ redis }: Site): Promise<number> {
  return Number(/^process_id:(\d+)/m.exec(await redis.info("server"))?.[1]);
}
