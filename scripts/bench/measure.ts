import { createSignedClient } from "../client/signed-client.ts";
import { createTickingClock } from "../client/ticking-clock.ts";
import type { Contender } from "./contenders.ts";
import type { MeasuredProcess } from "./server-process.ts";
import { signRequests } from "./signed-requests.ts";
import type { Site } from "./site.ts";
import type { Scene, Workload } from "./workloads.ts";
import { type LatencyMs, runWrk, type WrkReport } from "./wrk.ts";

/** What was measured of one contender in one round. */
export interface Sample {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** CPU time of the server's process per request, in microseconds. */
  readonly cpuUs: number;
  readonly latencyMs: LatencyMs;
  /** Resident memory of the server's process at the end, in MiB. */
  readonly residentMiB: number;
}

/** A contender answered incorrectly or not at all, so its measurement would be meaningless. */
export class AnswersWrong extends Error {}

/** The size of a measurement. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  /** Whether a server is warmed up before it is timed. */
  readonly isWarm: boolean;
}

export interface Run extends Omit<Plan, "rounds"> {
  /** The mean pause of each connection before its next request. Without it, there is no pause. */
  readonly pauseMs?: number;
  readonly site: Site;
  readonly workload: Workload;
  readonly contender: Contender;
}

/**
 * Measures a contender once. It starts a fresh process, checks its answers, warms it up, and then loads it for the
 * seconds of the plan.
 *
 * @throws {AnswersWrong} an answer was wrong, before the measurement or during it
 */
export async function measure(run: Run): Promise<Sample> {
  await using stage = await setStage(run);
  const { server } = stage;
  const warmRate = await warmUp(run, stage);
  let { report, cpuMs } = await load(run, stage, warmRate * headroom);
  if (report.ranOut) ({ report, cpuMs } = await load(run, stage, run.workload.perSecondMax));
  judge(run, report);
  return {
    requests: report.requests,
    requestsPerSecond: report.requestsPerSecond,
    cpuUs: (cpuMs * 1000) / report.requests,
    latencyMs: report.latencyMs,
    residentMiB: server.residentBytes() / 2 ** 20,
  };
}

async function load(run: Run, { server, sign }: Stage, perSecond: number) {
  await run.site.restore();
  const requests = sign(Math.ceil(run.seconds * perSecond));
  const cpuBeforeMs = server.cpuMs();
  const report = await runWrk({ port: server.port, requests, ...run });
  return { report, cpuMs: server.cpuMs() - cpuBeforeMs };
}

/** A contender's process whose answers have been checked, and the source of fresh requests for it. */
interface Stage extends AsyncDisposable {
  readonly server: MeasuredProcess;
  /** Signs the next `count` requests of this run, or fewer if the workload has no more. */
  sign(count: number): string[];
}

/**
 * Starts the contender and checks its answers.
 *
 * @throws {AnswersWrong} an answer is wrong
 */
async function setStage(run: Run): Promise<Stage> {
  const { site, workload, contender } = run;
  const scene = { site, contender, id: Date.now() };
  await site.restore();
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await contender.start(site));
  await checkAnswers(run, server.port, scene);
  let next = checkedRequests;
  const rest = stack.move();
  return {
    server,
    sign(wanted) {
      const first = next;
      const count = Math.min(wanted, workload.requestsMax(site));
      next += count;
      return signRequests({
        port: server.port,
        path: `/ownid/${workload.endpoint}`,
        sharedSecret: site.sharedSecret,
        count,
        distinct: workload.distinct(scene),
        body: (number) => JSON.stringify(workload.content(scene, first + number)),
      });
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** After this many requests, a server's CPU time per request has become stable. */
const warmRequests = 30_000;
/** No server needs longer than this on a machine that is suitable for measurements. */
const warmSecondsMax = 20;
/** By which factor a server may become faster from one second of the warm-up to the next. */
const headroom = 2;

/**
 * Loads the server until it has answered `warmRequests` requests, like every other server, and returns its last rate in
 * requests per second. Without a warm-up, the compiler threads of a young process would count as the server's own CPU
 * time.
 */
async function warmUp({ workload, connections, isWarm }: Run, { server, sign }: Stage): Promise<number> {
  let rate = workload.perSecondMax / headroom;
  if (!isWarm) return rate;
  let answered = 0;
  for (let seconds = 0; answered < warmRequests && seconds < warmSecondsMax; seconds += 1) {
    const requests = sign(Math.ceil(rate * headroom));
    const report = await runWrk({ port: server.port, connections, seconds: 1, requests });
    answered += report.requests;
    rate = report.requestsPerSecond;
  }
  return rate;
}

const checkedRequests = 8;

async function checkAnswers({ site, workload, contender }: Run, port: number, scene: Scene): Promise<void> {
  const { sharedSecret } = site;
  const now = createTickingClock();
  const client = createSignedClient({ baseUrl: `http://127.0.0.1:${port}/ownid`, sharedSecret, now });
  for (let number = 0; number < checkedRequests; number += 1) {
    const problem = await workload.check(client, scene, number);
    if (problem !== null) throw new AnswersWrong(`${contender.name}, ${workload.title}: ${problem}`);
  }
  if (!contender.verifies) return;
  const signed = client.sign(workload.endpoint, workload.content(scene, 0));
  const forged = { ...signed, headers: { ...signed.headers, "ownid-timestamp": String(now()) } };
  const { status } = await client.send(forged);
  if (status !== 401)
    throw new AnswersWrong(`${contender.name}: a forged signature was answered with ${status}`);
}

function judge({ workload, contender }: Run, report: WrkReport): void {
  const problems = problemsOf(workload, report);
  if (problems.length === 0) return;
  throw new AnswersWrong(`${contender.name}, ${workload.title}: ${problems.join(", ")}`);
}

/** Returns the signs that some answer under load was not the expected one. */
export function problemsOf({ answerBytes, status }: Workload, report: WrkReport): string[] {
  const expectedErrors = status >= 400 ? report.requests : 0;
  const isOfSize = report.answerBytes >= answerBytes.min && report.answerBytes <= answerBytes.max;
  return [
    report.requests === 0 && "nothing was answered",
    report.statusErrors !== expectedErrors && `${report.statusErrors} answers with status 400 or more`,
    report.socketErrors > 0 && `${report.socketErrors} connections failed or timed out`,
    report.ranOut && "there were not enough requests",
    !isOfSize && `answers of ${Math.round(report.answerBytes)} bytes`,
  ].filter((problem) => problem !== false);
}
