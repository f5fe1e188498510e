import { showStatus } from "../status-line.ts";
import { bareLookup, guardOff, guardOn } from "./contenders.ts";
import { measure, type Plan } from "./measure.ts";
import { type HalfLoad, medianSample } from "./results.ts";
import { measureInTurn } from "./rounds.ts";
import type { Site } from "./site.ts";
import { workloads } from "./workloads.ts";

/** More of them than where the server is the limit, so that requests come as from independent people. */
const connections = 256;

export const halfLoadContenders = [bareLookup, guardOff, guardOn] as const;

/**
 * Latency where nothing is saturated: the warm lookup at half the rate that `bare` reaches. Each connection pauses
 * between an answer and its next request, at random, and on average for so long that all of them together come to
 * that rate.
 *
 * @param capacity requests a second of `bare`; `null` = to be measured here
 * @param begin is told of each measurement before it begins
 * @throws {AnswersWrong} a request had no right answer
 */
export async function measureHalfLoad(
  site: Site,
  plan: Plan,
  capacity: number | null,
  begin: (what: string) => void,
): Promise<HalfLoad> {
  const run = { ...plan, site, workload: workloads.hit };
  if (capacity === null) showStatus("half: what bare can do");
  const bareRate = capacity ?? (await measure({ ...run, contender: bareLookup })).requestsPerSecond;
  const perSecond = bareRate / 2;
  const samples = await measureInTurn(halfLoadContenders, plan.rounds, (contender, round) => {
    begin(`half, round ${round + 1} of ${plan.rounds}, ${contender.name}`);
    return measure({ ...run, contender, connections, pauseMs: (connections / perSecond) * 1000 });
  });
  return {
    bareRate,
    perSecond,
    contenders: Object.fromEntries(
      halfLoadContenders.map((contender) => [contender.name, medianSample(samples.get(contender) ?? [])]),
    ),
  };
}
