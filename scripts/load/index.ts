import { signingSecret } from "../client/signing-secret.ts";
import { resolveTarget, type Target } from "../client/target.ts";
import { type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { commandConfig } from "../command-environment.ts";
import { listenerUrl } from "../listener-url.ts";
import { print, showStep, tell } from "../progress.ts";
import { ensureWritable, writeReport } from "../report/report-file.ts";
import { stopOnSignal } from "../stop-on-signal.ts";
import { outputPage } from "../terminal.ts";
import { createArrivals } from "./arrivals.ts";
import { type Connections, createConnections } from "./connections.ts";
import { describeEnvironment } from "./environment.ts";
import { checkFirstRequest } from "./first-request.ts";
import { help } from "./help.ts";
import { htmlReport } from "./html-report.ts";
import { showLive } from "./live-display.ts";
import { startLoadRun } from "./load-run.ts";
import { makePlan, type Plan, planOptions } from "./plan.ts";
import { createRecorder } from "./recorder.ts";
import { type LoadResult, makeResult } from "./result.ts";
import { resultText } from "./result-text.ts";
import { createSignedRequests, type SignedRequests } from "./signed-requests.ts";

await runCommand({
  help,
  options: {
    url: { type: "string" },
    "i-own-this-host": { type: "string" },
    report: { type: "string" },
    json: { type: "boolean", default: false },
    ...planOptions,
  },
  async run(operands, options): Promise<ExitStatus> {
    if (operands.length > 0) throw new UsageWrong("A load test takes options only, such as --rate 500.");
    const plan = makePlan(options);
    const config = commandConfig();
    const target = await resolveTarget(options.url ?? listenerUrl(config.publicListener), {
      argument: "--url",
      takesTls: false,
      ownedHost: options["i-own-this-host"],
      danger: "a load test can take a server down",
    });
    const requests = createSignedRequests({
      ...target,
      ...plan,
      sharedSecret: signingSecret(config),
      now: Date.now,
      random: Math.random,
    });
    const connections = createConnections({ ...target, ...plan });
    showStep(`waiting for the first answer of ${target.url}`);
    const problem = await checkFirstRequest(target.url, requests, connections).finally(() => showStep(""));
    if (problem !== null) {
      tell(`${problem}\n`);
      return 1;
    }
    const report = { option: "report", path: options.report };
    ensureWritable(report);
    const result = await measure({ plan, target, requests, connections });
    writeReport(report, htmlReport(result));
    print(options.json ? `${JSON.stringify(result)}\n` : resultText(result, outputPage()));
    if (options.report !== undefined) tell(`Report: ${options.report}\n`);
    return result.holds ? 0 : 1;
  },
});

interface Measurement {
  readonly plan: Plan;
  readonly target: Target;
  readonly requests: SignedRequests;
  readonly connections: Connections;
}

async function measure({ plan, target, requests, connections }: Measurement): Promise<LoadResult> {
  const { rate, spacing, durationMs, warmUpMs, timeoutMs } = plan;
  const arrivals = { spacing, random: Math.random };
  const recorder = createRecorder();
  const stop = stopOnSignal("Stopping: waiting for requests in flight. Press Ctrl-C again to end at once.");
  const startedAt = new Date();
  const run = startLoadRun({
    warmUp: {
      durationMs: warmUpMs,
      arrivals: createArrivals({
        ...arrivals,
        rate: { from: rate.from, to: rate.from },
        durationMs: warmUpMs,
      }),
    },
    measured: { durationMs, arrivals: createArrivals({ ...arrivals, rate, durationMs }) },
    requests,
    connections,
    recorder,
    timeoutMs,
    stop,
  });
  const display = showLive({ plan, url: target.url, run, recorder, connections });
  const { measuredMs } = await run.ended;
  display.end();
  connections.close();
  const environment = describeEnvironment(process.argv.slice(2));
  return makeResult({ plan, target: target.url, startedAt, measuredMs, recorder, environment });
}
