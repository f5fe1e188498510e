import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { scripts } from "../../package.json";
import { runProgram } from "../support/finished-process.ts";

const root = join(import.meta.dir, "../..");
const columns = 80;

/** Every command of package.json that is this project's own, and what else has a help of its own. */
const own = Object.entries(scripts).filter(([name, script]) => script === `sh scripts/launch.sh ${name}`);
const measurements = ["compare", "gate"].map((name) => `bench ${name}`);
const commands = [
  ...[...own.map(([name]) => name), ...measurements].map((name) => ({
    line: `bun run ${name}`,
    words: ["launch.ts", ...name.split(" ")],
  })),
];

function helpOf([file = "", ...words]: readonly string[]) {
  const argv = [process.execPath, join(root, "scripts", file), ...words, "--help"];
  return runProgram(argv, { cwd: root, environment: process.env });
}

test("the commands are found at all", () => {
  expect(own.length).toBeGreaterThan(10);
});

describe.each(commands)("$line --help", ({ line, words }) => {
  test("fits a terminal of 80 columns, says how the command exits, and starts nothing", async () => {
    const { stdout, stderr, status } = await helpOf(words);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(line);
    expect(stdout).toMatch(/\bexits \d/i);
    expect(stdout.split("\n").filter((line) => Bun.stringWidth(line) > columns || /\s$/.test(line))).toEqual(
      [],
    );
  });
});
