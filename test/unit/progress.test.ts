import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { runOnTerminal } from "../support/terminal.ts";

const progress = join(import.meta.dir, "../../scripts/progress.ts");

/** A command that shows progress all the time and prints in between. `shown(n)` resolves once it has been shown anew. */
const command = (steps: string) => `
  import { print, showStep, startProgress, tell } from ${JSON.stringify(progress)};
  let looks = 0;
  const look = () => ({ lines: ["look " + (looks += 1), "wide ".repeat(100)], facts: { looks } });
  async function shown() {
    for (const before = looks; looks < before + 2; ) await Bun.sleep(5);
  }
  ${steps}
`;

describe("progress on a terminal", () => {
  test("is in nobody's way: what is printed meanwhile stays, whole and in order, and the display goes", async () => {
    const { screen, output } = await runOnTerminal([
      process.execPath,
      "-e",
      command(`
        const progress = startProgress(look);
        await shown();
        print("one\\n");
        tell("two\\n");
        await shown();
        print("three\\n");
        await shown();
        progress.end();
        print("end\\n");
      `),
    ]);
    expect(output).toContain("look 1\r\n");
    expect(screen).toBe("one\ntwo\nthree\nend\n");
  });

  test("leaves nothing behind when it is interrupted, whatever the terminal echoes", async () => {
    let hasTyped = false;
    const { screen, output } = await runOnTerminal(
      [
        process.execPath,
        "-e",
        command(`
          const interrupted = Promise.withResolvers();
          process.on("SIGINT", interrupted.resolve);
          const progress = startProgress(look);
          await interrupted.promise;
          tell("stopping\\n");
          progress.end();
        `),
      ],
      {
        onOutput(shown, type) {
          if (hasTyped || !shown.includes("wide")) return;
          hasTyped = true;
          type("\x03");
        },
      },
    );
    expect(output).toContain("^C");
    expect(screen).toBe("stopping\n");
  });

  test("shows the step that is being worked at, and ends with it", async () => {
    const { screen, output } = await runOnTerminal([
      process.execPath,
      "-e",
      command(`
        const { write } = process.stderr;
        const written = Promise.withResolvers();
        process.stderr.write = (text) => {
          if (text.includes("the step")) written.resolve();
          return write.call(process.stderr, text);
        };
        showStep("the step");
        await written.promise;
        showStep("");
      `),
    ]);
    expect(output).toContain("the step");
    expect(screen).toBe("");
  });
});

test("progress elsewhere is a line of JSON, and standard output holds what is printed alone", async () => {
  const child = Bun.spawn(
    [
      process.execPath,
      "-e",
      command(`const progress = startProgress(look); await shown(); print("one\\n"); progress.end();`),
    ],
    { stdout: "pipe", stderr: "pipe" },
  );
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(stdout).toBe("one\n");
  expect(stderr).toBe('{"looks":1}\n{"looks":2}\n');
});
