import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { describeWithPrivate } from "../support/describe-with.ts";

setDefaultTimeout(120_000);

const command = join(import.meta.dir, "../../scripts/bench/index.ts");

/** Side by side, since nothing here is about speed. */
const runs = {
  micro: ["--filter", "^token: jose|^fill-hash", "--json"],
  growth: ["--users", "50", "--rounds", "1", "--seconds", "1", "--json"],
  "start-up": ["--rounds", "1", "--json"],
  gate: ["--seconds", "1", "--json"],
} as const;

async function bench(...args: string[]) {
  const child = Bun.spawn([process.execPath, command, ...args], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, exit };
}

describeWithPrivate("redis", "bun run bench", () => {
  const results = new Map<string, unknown>();

  beforeAll(async () => {
    const ended = Object.entries(runs).map(async ([name, args]) => {
      const { exit, stdout, stderr } = await bench(name, ...args);
      if (exit !== 0) throw new Error(`${name} ended with ${exit}: ${stderr}`);
      results.set(name, JSON.parse(stdout));
    });
    await Promise.all(ended);
  });

  test("micro times what its filter names, and the store's commands by Redis' own account", () => {
    const figures = { average: figure, min: figure, p50: figure, p99: figure };
    expect(results.get("micro")).toMatchObject({
      benchmarks: [{ name: "token: jose alone, one claim", nanoseconds: figures }],
      redis: [{ step: "fill-hash", microseconds: Array(15).fill(figure) }],
    });
  });

  test("growth finds every user that it has filled, and weighs Redis and the sidecar", () => {
    expect(results.get("growth")).toMatchObject({
      throughput: [{ users: 50, overSmallest: { median: 1 } }],
      memory: [{ users: 50, hash: figure, string: figure }],
      bytesPerSignature: figure,
      resident: [{ replayProtection: "off" }, { replayProtection: "all" }],
      targets: Array(4).fill({ measured: figure, isMet: expect.any(Boolean) }),
    });
  });

  test("start-up waits for the first right answer of every process", () => {
    const start = { readyMs: figure, cpuMs: figure };
    expect(results.get("start-up")).toMatchObject({
      starts: { bare: [start], build: [start], source: [start] },
    });
  });

  test("the gate measures both guards beside the limit, and is undecided when it has no time", () => {
    expect(results.get("gate")).toMatchObject({
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
  const commands = [
    ...["compare", "micro", "growth", "start-up"].map((name) => [command, name]),
    [join(import.meta.dir, "../../scripts/faults/index.ts")],
  ];
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
  const redis = "redis-server, ps, pgrep, pkill";
  expect(await Promise.all(ends)).toEqual(
    ["wrk", redis, "wrk", redis, redis].map((missing) => ({ exit: 1, missing })),
  );
});

test("a measurement refuses what it does not know before it starts anything", async () => {
  const wrong = [
    ["micro", "--filter", "("],
    ["growth", "--users", "100,10"],
    ["growth", "--users", "0"],
    ["growth", "file-without-json"],
    ["start-up", "--rounds", "0"],
    ["gate", "--seconds", "none"],
  ];
  const ends = await Promise.all(wrong.map((args) => bench(...args)));
  expect(ends.map(({ exit, stdout }) => ({ exit, stdout }))).toEqual(Array(6).fill({ exit: 2, stdout: "" }));
});

/** What was never measured is NaN, which JSON calls null. */
const figure = expect.any(Number);
