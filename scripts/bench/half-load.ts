import { bareLookup, guardOff, guardOn } from "./contenders.ts";
import { measure, type Plan } from "./measure.ts";
import { type HalfLoad, medianSample } from "./results.ts";
import { measureInTurn } from "./rounds.ts";
import type { Site } from "./site.ts";
import { workloads } from "./workloads.ts";

/** More connections than in the other workloads, so that requests arrive like those of independent people. */
const connections = 256;
/** In a short load, a single stall of the machine can make up the slowest hundredth. */
const timesLonger = 3;

const contenders = [bareLookup, guardOff, guardOn] as const;

/** The number of measurements in one round: `bare` at its full rate, and each contender. */
export const halfLoadMeasurements = contenders.length + 1;

/**
 * Measures latency while nothing is saturated: the warm lookup at half the rate that `bare` has just reached. Each
 * connection pauses for a random time between an answer and its next request. The mean pause is chosen so that all
 * connections together reach that rate.
 *
 * @param begin called with a description before each measurement
 * @throws {AnswersWrong} a request was not answered correctly
 */
export async function measureHalfLoad(
  site: Site,
  plan: Plan,
  begin: (what: string) => void,
): Promise<HalfLoad> {
  const run = { ...plan, site, workload: workloads.hit };
  const bareRates: number[] = [];

  async function bareRateOf(round: number): Promise<number> {
    begin(`half, round ${round + 1} of ${plan.rounds}, bare at full load`);
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
