import { bareLookup, guardOff, guardOn } from "./contenders.ts";
import { measure, type Plan } from "./measure.ts";
import { type HalfLoad, medianSample } from "./results.ts";
import { measureInTurn } from "./rounds.ts";
import type { Site } from "./site.ts";
import { workloads } from "./workloads.ts";

/** More of them than where the server is the limit, so that requests come as from independent people. */
const connections = 256;
/** In a short load, one stall of the machine can be the slowest hundredth all by itself. */
const timesLonger = 3;

const contenders = [bareLookup, guardOff, guardOn] as const;

/** Of one round: `bare` at what it can do, and each contender. */
export const halfLoadMeasurements = contenders.length + 1;

/**
 * Latency where nothing is saturated: the warm lookup at half the rate that `bare` has just reached. Each connection
 * pauses between an answer and its next request, at random, and on average for so long that all of them together come
 * to that rate.
 *
 * @param begin is told of each measurement before it begins
 * @throws {AnswersWrong} a request had no right answer
 */
export async function measureHalfLoad(
  site: Site,
  plan: Plan,
  begin: (what: string) => void,
): Promise<HalfLoad> {
  const run = { ...plan, site, workload: workloads.hit };
  const bareRates: number[] = [];

  async function bareRateOf(round: number): Promise<number> {
    begin(`half, round ${round + 1} of ${plan.rounds}, what bare can do`);
    const { requestsPerSecond } = await measure({ ...run, contender: bareLookup });
    return requestsPerSecond;
  }

  const samples = await measureInTurn(contenders, plan.rounds, async (contender, round) => {
    bareRates[round] ??= await bareRateOf(round);
    begin(`half, round ${round + 1} of ${plan.rounds}, ${contender.name}`);
    const pauseMs = (connections / (bareRates[round] / 2)) * 1000;
    return measure({ ...run, contender, connections, pauseMs, seconds: timesLonger * plan.seconds });
  });
  return {
    bareRates,
    contenders: Object.fromEntries(
      contenders.map((contender) => [contender.name, medianSample(samples.get(contender) ?? [])]),
    ),
  };
}
