import { showStatus } from "../status-line.ts";
import { bareLookup, guardOff, guardOn } from "./contenders.ts";
import { runFixedRate } from "./fixed-rate.ts";
import { AnswersWrong, measure, type Plan, type Run, type Sample, setStage, warmUp } from "./measure.ts";
import { type ByContender, type HalfLoad, medianLatency } from "./results.ts";
import { measureInTurn } from "./rounds.ts";
import type { Site } from "./site.ts";
import { workloads } from "./workloads.ts";
import type { LatencyMs } from "./wrk.ts";

/**
 * Latency where nothing is saturated: the warm lookup at half the rate that `bare` reaches, sent at that rate
 * whatever the answers do. What `bare` reaches is taken from this run's `hit`, or measured.
 *
 * @throws {AnswersWrong} a request had no right answer
 */
export async function measureHalfLoad(
  site: Site,
  plan: Plan,
  hit: ByContender<Sample> | undefined,
): Promise<HalfLoad> {
  const workload = workloads.hit;
  const bare = hit?.bare?.median ?? (await measure({ ...plan, site, workload, contender: bareLookup }));
  const perSecond = Math.floor(bare.requestsPerSecond / 2);
  const contenders = [bareLookup, guardOff, guardOn];
  const latencies = await measureInTurn(contenders, plan.rounds, (contender, round) => {
    showStatus(`half: round ${round + 1} of ${plan.rounds}, ${contender.name}`);
    return latencyAt(perSecond, { ...plan, site, workload, contender });
  });
  return {
    perSecond,
    contenders: Object.fromEntries(
      contenders.map((contender) => [contender.name, medianLatency(latencies.get(contender) ?? [])]),
    ),
  };
}

async function latencyAt(perSecond: number, run: Run): Promise<LatencyMs> {
  await using stage = await setStage(run);
  await warmUp(run, stage);
  const requests = stage.sign(perSecond * run.seconds);
  const { port } = stage.server;
  const { latencyMs, failures } = await runFixedRate({
    ...run,
    port,
    requests,
    perSecond,
    status: run.workload.status,
  });
  if (failures > 0) {
    throw new AnswersWrong(
      `${run.contender.name}, at ${perSecond} requests/s: ${failures} without a right answer`,
    );
  }
  return latencyMs;
}
