import { showStatus } from "../status-line.ts";
import { bareLookup, type Contender, guardOff, guardOn } from "./contenders.ts";
import { type FixedRateReport, runFixedRate } from "./fixed-rate.ts";
import { AnswersWrong, type Plan, type Run, setStage, warmUp } from "./measure.ts";
import { type HalfLoad, medianLatency } from "./results.ts";
import { measureInTurn } from "./rounds.ts";
import type { Site } from "./site.ts";
import { workloads } from "./workloads.ts";

/**
 * Latency where nothing is saturated: the warm lookup at half the rate that `bare` reaches, sent at that rate
 * whatever the answers do. What `bare` reaches is measured with the same generator, which takes more of the machine
 * than wrk does: at half of wrk's figure it would measure itself.
 *
 * @throws {AnswersWrong} a request had no right answer
 */
export async function measureHalfLoad(site: Site, plan: Plan): Promise<HalfLoad> {
  const run = { ...plan, site, workload: workloads.hit };
  showStatus("half: what bare can do");
  const { answeredPerSecond } = await load({ ...run, contender: bareLookup }, "as fast as it can");
  const perSecond = Math.floor(answeredPerSecond / 2);
  const contenders = [bareLookup, guardOff, guardOn];
  const reports = await measureInTurn(contenders, plan.rounds, (contender, round) => {
    showStatus(`half: round ${round + 1} of ${plan.rounds}, ${contender.name}`);
    return load({ ...run, contender }, perSecond);
  });
  const latenciesOf = (contender: Contender) =>
    (reports.get(contender) ?? []).map(({ latencyMs }) => latencyMs);
  return {
    perSecond,
    contenders: Object.fromEntries(
      contenders.map((contender) => [contender.name, medianLatency(latenciesOf(contender))]),
    ),
  };
}

/** So many requests a second stand for as fast as it can. */
const triedPerSecond = 15_000;

async function load(run: Run, rate: number | "as fast as it can"): Promise<FixedRateReport> {
  const { workload, contender, connections, seconds } = run;
  await using stage = await setStage(run);
  await warmUp(run, stage);
  const report = await runFixedRate({
    port: stage.server.port,
    requests: stage.sign((rate === "as fast as it can" ? triedPerSecond : rate) * seconds),
    perSecond: rate === "as fast as it can" ? Number.POSITIVE_INFINITY : rate,
    connections,
    status: workload.status,
  });
  if (report.failures === 0) return report;
  throw new AnswersWrong(`${contender.name}, ${rate} requests/s: ${report.failures} without a right answer`);
}
