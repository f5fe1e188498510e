import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { describeWithPrivate } from "../support/describe-with.ts";

setDefaultTimeout(120_000);

const command = join(import.meta.dir, "../../scripts/bench/index.ts");

async function bench(...args: string[]) {
  const child = Bun.spawn([process.execPath, command, ...args], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, exit };
}

describeWithPrivate("redis", "bun run bench gate", () => {
  test("measures both guards beside the limit, and is undecided when it has no time", async () => {
    const { stdout, stderr, exit } = await bench("gate", "--seconds", "1", "--json");
    if (exit !== 0) throw new Error(stderr);
    expect(JSON.parse(stdout)).toMatchObject({
      pairs: [[{ bare: figure, guardOff: figure, guardOn: figure }]],
      verdicts: { guardOff: "undecided", guardOn: "undecided" },
    });
  });
});

test("the gate is skipped where wrk is missing and cannot be installed, and says so; in CI it fails", async () => {
  const without = async (environment: Readonly<Record<string, string>>) => {
    const child = Bun.spawn([process.execPath, command, "gate"], {
      env: { PATH: "/nonexistent", ...environment },
      stdout: "ignore",
      stderr: "pipe",
    });
    const [stderr, exit] = await Promise.all([child.stderr.text(), child.exited]);
    return { exit, says: /performance gate \w+: wrk not found/.exec(stderr)?.[0] };
  };
  const ends = await Promise.all([without({}), without({ CI: "true" })]);
  expect(ends).toEqual([
    { exit: 0, says: "performance gate SKIPPED: wrk not found" },
    { exit: 1, says: "performance gate FAILED: wrk not found" },
  ]);
});

test("the comparison says which servers it leaves out where there is no Node, and keeps no report of it", async () => {
  const without = async (...args: string[]) => {
    const env = { PATH: "/nonexistent" };
    const child = Bun.spawn([process.execPath, command, ...args], { env, stdout: "ignore", stderr: "pipe" });
    const [stderr, exit] = await Promise.all([child.stderr.text(), child.exited]);
    return { exit, saysSo: /^.*Node.* was not found.*$/m.test(stderr) };
  };
  const ends = [without("--workload", "hit"), without("--workload", "set"), without("--report")];
  expect(await Promise.all(ends)).toEqual([
    { exit: 1, saysSo: true },
    { exit: 1, saysSo: false },
    { exit: 2, saysSo: true },
  ]);
});

test("a measurement says what is missing on this machine, before it begins, and ends with status 1", async () => {
  const commands = [[command, "compare"], [join(import.meta.dir, "../../scripts/faults/index.ts")]];
  const ends = commands.map(async (args) => {
    const child = Bun.spawn([process.execPath, ...args], {
      env: { PATH: "/nonexistent" },
      stdout: "ignore",
      stderr: "pipe",
    });
    const [stderr, exit] = await Promise.all([child.stderr.text(), child.exited]);
    const [last] = stderr.trimEnd().split("\n").slice(-1);
    return { exit, missing: /^(.+) not found; /.exec(last ?? "")?.[1] };
  });
  expect(await Promise.all(ends)).toEqual([
    { exit: 1, missing: "wrk" },
    { exit: 1, missing: "redis-server, ps, pgrep, pkill" },
  ]);
});

test("the gate refuses what it does not know before it starts anything", async () => {
  const wrong = [
    ["gate", "--seconds", "none"],
    ["gate", "a-file"],
  ];
  const ends = await Promise.all(wrong.map((args) => bench(...args)));
  expect(ends.map(({ exit, stdout }) => ({ exit, stdout }))).toEqual(Array(2).fill({ exit: 2, stdout: "" }));
});

/** What was never measured is NaN, which JSON calls null. */
const figure = expect.any(Number);
