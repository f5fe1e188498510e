import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const logger = join(import.meta.dir, "../../src/logger.ts");

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
