import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { describeWithPrivate } from "../support/describe-with.ts";
import { runProgram } from "../support/finished-process.ts";

setDefaultTimeout(120_000);

const command = join(import.meta.dir, "../../scripts/bench/index.ts");

const bench = (...args: string[]) =>
  runProgram([process.execPath, command, ...args], { environment: process.env });

describeWithPrivate("redis", "bun run bench gate", () => {
  test("measures both guards beside the limit, and is undecided when it has no time", async () => {
    const { stdout, stderr, status } = await bench("gate", "--seconds", "1", "--json");
    if (status !== 0) throw new Error(stderr);
    expect(JSON.parse(stdout)).toMatchObject({
      pairs: [[{ bare: figure, guardOff: figure, guardOn: figure }]],
      verdicts: { guardOff: "undecided", guardOn: "undecided" },
    });
  });
});

test("the gate is skipped where wrk is missing and cannot be installed, and says so; in CI it fails", async () => {
  const without = async (environment: Readonly<Record<string, string>>) => {
    const { status, stderr } = await runProgram([process.execPath, command, "gate"], {
      environment: { PATH: "/nonexistent", ...environment },
    });
    return { status, says: /performance gate \w+: wrk not found/.exec(stderr)?.[0] };
  };
  const ends = await Promise.all([without({}), without({ CI: "true" })]);
  expect(ends).toEqual([
    { status: 0, says: "performance gate SKIPPED: wrk not found" },
    { status: 1, says: "performance gate FAILED: wrk not found" },
  ]);
});

test("the comparison says which servers it leaves out where there is no Node, and keeps no report of it", async () => {
  const without = async (...args: string[]) => {
    const { status, stderr } = await runProgram([process.execPath, command, ...args], {
      environment: { PATH: "/nonexistent" },
    });
    return { status, saysSo: /^.*Node.* was not found.*$/m.test(stderr) };
  };
  const ends = [without("--workload", "hit"), without("--workload", "set"), without("--report")];
  expect(await Promise.all(ends)).toEqual([
    { status: 1, saysSo: true },
    { status: 1, saysSo: false },
    { status: 2, saysSo: true },
  ]);
});

test("a measurement says what is missing on this machine, before it begins, and ends with status 1", async () => {
  const commands = [[command, "compare"], [join(import.meta.dir, "../../scripts/faults/index.ts")]];
  const ends = commands.map(async (args) => {
    const { status, stderr } = await runProgram([process.execPath, ...args], {
      environment: { PATH: "/nonexistent" },
    });
    const [last] = stderr.trimEnd().split("\n").slice(-1);
    return { status, missing: /^(.+) not found; /.exec(last ?? "")?.[1] };
  });
  expect(await Promise.all(ends)).toEqual([
    { status: 1, missing: "wrk" },
    { status: 1, missing: "redis-server, ps, pgrep, pkill" },
  ]);
});

test("the gate refuses what it does not know before it starts anything", async () => {
  const wrong = [
    ["gate", "--seconds", "none"],
    ["gate", "a-file"],
  ];
  const ends = await Promise.all(wrong.map((args) => bench(...args)));
  expect(ends.map(({ status, stdout }) => ({ status, stdout }))).toEqual(
    Array(2).fill({ status: 2, stdout: "" }),
  );
});

/** What was never measured is NaN, which JSON calls null. */
const figure = expect.any(Number);
