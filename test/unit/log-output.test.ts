import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFifo, openFifo } from "../../scripts/faults/harness/fifo.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { runOnTerminal } from "../support/terminal.ts";

const logger = JSON.stringify(join(import.meta.dir, "../../src/process/logger.ts"));

/** What a process runs that logs as the sidecar does; `then` has `logger`, `output` and the `dropped` count. */
function loggingCode(then: string, format = "json"): string {
  return `
    const { openLog } = await import(${logger});
    let dropped = 0;
    const { logger, output } = await openLog({
      level: "info",
      format: "${format}",
      onDropped: (entries) => { dropped += entries; },
    });
    const turn = () => new Promise(setImmediate);
    ${then}`;
}

function startLogging<Stdout extends "pipe" | Bun.BunFile>(then: string, stdout: Stdout, format = "json") {
  const argv = [process.execPath, "-e", loggingCode(then, format)];
  return Bun.spawn(argv, { stdin: "pipe", stdout, stderr: "pipe" });
}

const linesOf = (text: string) => text.split("\n").filter((line) => line.trim() !== "");
const messagesOf = (text: string) => linesOf(text).map((line) => JSON.parse(line).msg);

describe("the lines of a turn that is the process's last are written", () => {
  test.each([
    ["the process exits", "process.exit(0)"],
    ["an error is thrown", 'throw new Error("unforeseen")'],
    ["a promise is rejected", 'Promise.reject(new Error("unforeseen"))'],
    ["nothing is left to do", ""],
  ])("when %s", async (_, then) => {
    const child = startLogging(`logger.info("first"); logger.error("last"); ${then}`, "pipe");
    expect(messagesOf(await child.stdout.text())).toEqual(["first", "last"]);
  });
});

describe("a process whose standard output", () => {
  test("is a pipe that nobody reads goes on, and tells how many lines it dropped once somebody does", async () => {
    using folder = temporaryFolder();
    const path = folder.at("log");
    makeFifo(path);
    using reader = openFifo(path);
    reader.fill();
    const total = 20_000;
    const child = startLogging(
      `for (let line = 0; line < ${total}; line += 1) {
        logger.info("x".repeat(100));
        if (line % 100 === 0) await turn();
      }
      console.error(dropped);
      process.stdin.once("data", () => process.exit(0));`,
      Bun.file(path),
    );
    const [told] = linesOf(await firstChunk(child.stderr));
    const dropped = Number(told);
    expect(dropped).toBeGreaterThan(0);

    let log = "";
    const recovered = await eventually(async () => {
      log += reader.read();
      return log.includes("were dropped");
    }, true);
    expect(recovered).toBe(true);
    const lines = linesOf(log.trimStart()).map((line) => JSON.parse(line));
    expect(lines.filter(({ msg }) => msg.startsWith("x"))).toHaveLength(total - dropped);
    expect(lines.at(-1)).toMatchObject({ level: "error", entries: dropped });
    child.stdin.write("end");
    child.stdin.flush();
    expect(await child.exited).toBe(0);
  });

  test("is a FIFO whose reader leaves and comes back writes into it again", async () => {
    using folder = temporaryFolder();
    const path = folder.at("log");
    makeFifo(path);
    const first = openFifo(path);
    const child = startLogging(
      `process.stdin.on("data", async (text) => {
        logger.info(String(text));
        await turn();
        await turn();
        console.error("logged");
      });
      logger.info("ready");`,
      Bun.file(path),
    );
    const say = (text: string): void => {
      child.stdin.write(text);
      child.stdin.flush();
    };
    expect(await eventually(async () => first.read().includes("ready"), true)).toBe(true);
    first[Symbol.dispose]();
    const told = child.stderr.getReader();
    say("while nobody reads");
    await told.read();
    using second = openFifo(path);
    say("to the new reader");
    let log = "";
    const arrived = await eventually(async () => {
      log += second.read();
      return log.includes("to the new reader");
    }, true);
    expect(arrived).toBe(true);
    expect(messagesOf(log)).toEqual(["while nobody reads", "to the new reader"]);
    child.kill();
  });

  test.each(["json", "pretty"])("is closed goes on (%s)", async (format) => {
    const child = startLogging(
      `await Bun.stdin.text();
      for (let line = 0; line < 50; line += 1) { logger.info("unread"); await turn(); }
      console.error("goes on");
      process.exit(0);`,
      "pipe",
      format,
    );
    await child.stdout.cancel();
    child.stdin.end();
    expect(await child.stderr.text()).toBe("goes on\n");
    expect(await child.exited).toBe(0);
  });

  test.skipIf(!existsSync("/proc/self/fd"))("is a terminal that Ctrl-S has stopped goes on", async () => {
    using folder = temporaryFolder();
    let isStopped = false;
    let isResumed = false;
    const code = loggingCode(
      `logger.info("stop now");
      await Bun.sleep(300);
      for (let line = 0; line < 2000; line += 1) logger.info("x".repeat(100));
      await turn();
      await Bun.write("went-on", "yes");
      await output.flush();
      process.exit(0);`,
      "pretty",
    );
    const { status } = await runOnTerminal([process.execPath, "-e", code], {
      cwd: folder.path,
      onOutput(shown, type) {
        if (!isStopped && shown.includes("stop now")) {
          isStopped = true;
          type("\x13");
        }
        isResumed ||= shown.includes("xxx");
      },
    });
    expect({ status, isStopped, isResumed }).toEqual({ status: 0, isStopped: true, isResumed: false });
    expect(existsSync(folder.at("went-on"))).toBe(true);
  });

  test.skipIf(!existsSync("/dev/full"))(
    "is a full disk goes on, and keeps a limited part of its lines",
    async () => {
      const child = startLogging(
        `const before = process.memoryUsage().rss;
      for (let line = 0; line < 2000; line += 1) { logger.info("x".repeat(100_000)); await turn(); }
      Bun.gc(true);
      console.error(dropped > 1900 && process.memoryUsage().rss - before < 60_000_000 ? "goes on" : "holds everything");
      process.exit(0);`,
        Bun.file("/dev/full"),
      );
      expect(await child.stderr.text()).toBe("goes on\n");
      expect(await child.exited).toBe(0);
    },
  );
});

describe("flush", () => {
  test("waits until a slow reader has taken everything", async () => {
    const child = startLogging(
      `logger.info("y".repeat(900_000)); await output.flush(); console.error("flushed"); process.exit(0);`,
      "pipe",
    );
    expect(await child.stdout.text()).toHaveLength(
      900_000 + '{"level":"info","time":"2026-01-01T00:00:00.000Z","msg":""}\n'.length,
    );
    expect(await child.stderr.text()).toBe("flushed\n");
  });

  test("gives up on a reader that takes nothing", async () => {
    using folder = temporaryFolder();
    const path = folder.at("log");
    makeFifo(path);
    using reader = openFifo(path);
    reader.fill();
    const child = startLogging(
      `logger.info("unread"); await output.flush(); process.exit(0);`,
      Bun.file(path),
    );
    expect(await child.exited).toBe(0);
  });
});

async function firstChunk(stream: ReadableStream<Uint8Array>): Promise<string> {
  const { value } = await stream.getReader().read();
  return new TextDecoder().decode(value);
}
