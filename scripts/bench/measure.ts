import { createSignedClient } from "../client/signed-client.ts";
import { createTickingClock } from "../client/ticking-clock.ts";
import type { Contender } from "./contenders.ts";
import type { MeasuredProcess } from "./server-process.ts";
import { signRequests } from "./signed-requests.ts";
import type { Site } from "./site.ts";
import type { Scene, Workload } from "./workloads.ts";
import { type LatencyMs, runWrk, type WrkReport } from "./wrk.ts";

/** One contender's figures in one round. */
export interface Sample {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** CPU time of the server's process for each request, microseconds. */
  readonly cpuUs: number;
  readonly latencyMs: LatencyMs;
  /** Memory of the server's process at the end, MiB. */
  readonly residentMiB: number;
}

/** A contender answered wrongly or not at all, so its figures mean nothing. */
export class AnswersWrong extends Error {}

/** How much is measured. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  /** Whether a server is warmed up before it is timed. */
  readonly isWarm: boolean;
}

export interface Run extends Omit<Plan, "rounds"> {
  /** The average pause of each connection before its next request, in milliseconds. By default there is none. */
  readonly pauseMs?: number;
  readonly site: Site;
  readonly workload: Workload;
  readonly contender: Contender;
}

/**
 * Measures a contender once: starts a fresh process, checks its answers, warms it up, and loads it.
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
  await run.site.level();
  const requests = sign(Math.ceil(run.seconds * perSecond));
  const cpuBeforeMs = server.cpuMs();
  const report = await runWrk({ port: server.port, requests, ...run });
  return { report, cpuMs: server.cpuMs() - cpuBeforeMs };
}

/** A contender's process whose answers have been checked, and new requests for it. */
interface Stage extends AsyncDisposable {
  readonly server: MeasuredProcess;
  /** Returns the next requests of this run: `count`, or fewer if the workload has no more. */
  sign(count: number): string[];
}

/** @throws {AnswersWrong} an answer is wrong */
async function setStage(run: Run): Promise<Stage> {
  const { site, workload, contender } = run;
  const scene = { site, contender, id: Date.now() };
  await site.level();
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

/** After this many requests, the CPU time that a server needs for each has settled. */
const warmRequests = 30_000;
/** A warm-up ends after this time even if there were fewer requests. */
const warmSecondsMax = 20;
/** By how much a server that warms up can become faster from one second to the next. */
const headroom = 2;

/**
 * Loads the server until it has answered as many requests as every other server, and returns its last rate in requests
 * per second. In a new process the compiler's threads would count as CPU time of the requests.
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
  if (status !== 401) throw new AnswersWrong(`${contender.name}: a forged signature was answered ${status}`);
}

function judge({ workload, contender }: Run, report: WrkReport): void {
  const problems = problemsOf(workload, report);
  if (problems.length === 0) return;
  throw new AnswersWrong(`${contender.name}, ${workload.title}: ${problems.join(", ")}`);
}

/** Returns what shows that an answer under load was wrong. */
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
