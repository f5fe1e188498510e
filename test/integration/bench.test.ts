import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { nodePath } from "../../scripts/bench/contenders.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { runProgram } from "../support/finished-process.ts";

setDefaultTimeout(120_000);

const command = join(import.meta.dir, "../../scripts/bench/index.ts");

const bench = (...args: string[]) =>
  runProgram([process.execPath, command, ...args], { environment: process.env });

describeWithPrivate("postgres", "bun run bench", () => {
  test("starts every contender, finds its answers right and measures it", async () => {
    const run = await bench("--quick", "--workload", "hit", "--workload", "session", "--json");
    if (run.status !== 0) throw new Error(run.stderr);
    const { workloads, versions } = JSON.parse(run.stdout);
    const onNode = nodePath() === null ? [] : ["fastify", "express", "sample"];
    expect(Object.keys(workloads.hit)).toEqual(["bare", "guard-off", "guard-on", ...onNode]);
    expect(Object.keys(workloads.session)).toEqual(["bare", "guard-off", "guard-on"]);
    for (const contender of [...Object.values(workloads.hit), ...Object.values(workloads.session)]) {
      expect(contender).toEqual({ median: sample, rounds: [sample] });
    }
    expect(versions).toMatchObject({ Bun: Bun.version, Postgres: version, Redis: version, wrk: version });
  });

  test("refuses what it does not know before it starts anything", async () => {
    const wrong = [
      ["nonsense"],
      ["constructor"],
      ["--rounds", "1", "micro"],
      ["--workload", "nonsense"],
      ["--rounds", "0"],
      ["--quick", "--report"],
    ];
    for (const args of wrong) expect(await bench(...args)).toMatchObject({ status: 2, stdout: "" });
  });
});

const figure = expect.any(Number);
const version = expect.stringMatching(/^\d+\.\d+/);

const sample = {
  requests: figure,
  requestsPerSecond: figure,
  cpuUs: figure,
  latencyMs: { p50: figure, p95: figure, p99: figure },
  residentMiB: figure,
};
