import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

const logger = join(import.meta.dir, "../../src/logger.ts");

/** Logs again and again, each time in a turn of its own, to a disk that is full; answers what it says after that. */
async function afterLoggingToAFullDisk(turns: number): Promise<string> {
  const code = `
    const { createLogger } = await import(${JSON.stringify(logger)});
    const logger = await createLogger({ level: "info", format: "json" });
    const line = "x".repeat(100_000);
    const before = process.memoryUsage().rss;
    for (let turn = 0; turn < ${turns}; turn += 1) {
      logger.info(line);
      await new Promise(setImmediate);
    }
    Bun.gc(true);
    console.error(process.memoryUsage().rss - before < 60_000_000 ? "goes on" : "holds everything");`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: Bun.file("/dev/full"), stderr: "pipe" });
  return (await child.stderr.text()).trimEnd();
}

/** A process that logs and then does something else in the same turn; answers what it wrote. */
async function messagesOf(then: string): Promise<string[]> {
  const code = `
    const { createLogger } = await import(${JSON.stringify(logger)});
    const logger = await createLogger({ level: "info", format: "json" });
    logger.info("first");
    logger.error("last");
    ${then}`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "ignore" });
  const lines = (await child.stdout.text()).trimEnd().split("\n");
  await child.exited;
  return lines.map((line) => JSON.parse(line).msg);
}

describe("the lines of a turn that is the process's last are written", () => {
  test.each([
    ["the process exits", "process.exit(0)"],
    ["an error is thrown", 'throw new Error("unforeseen")'],
    ["a promise is rejected", 'Promise.reject(new Error("unforeseen"))'],
    ["nothing is left to do", ""],
  ])("when %s", async (_, then) => {
    expect(await messagesOf(then)).toEqual(["first", "last"]);
  });
});

test.skipIf(!existsSync("/dev/full"))(
  "a full disk ends no process, and what cannot be written is not kept for ever",
  async () => {
    expect(await afterLoggingToAFullDisk(2000)).toBe("goes on");
  },
);
