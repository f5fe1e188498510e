import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { runProgram } from "../support/finished-process.ts";

setDefaultTimeout(30_000);

const scripts = join(import.meta.dir, "../../scripts");
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** The command line of a command that does this. */
function command(work: string, options = "{}"): string {
  const file = folder.at(`${crypto.randomUUID()}.ts`);
  writeFileSync(
    file,
    `import { runCommand, UsageWrong } from ${JSON.stringify(join(scripts, "command.ts"))};
    await runCommand({ help: "the help\\n", options: ${options}, async run() { ${work} } });`,
  );
  return `"${process.execPath}" "${file}"`;
}

/** What a shell says of a line, and how it and the first command of its pipe have ended. */
async function shell(line: string) {
  const argv = ["bash", "-c", `${line}\nprintf '\\n%s' "\${PIPESTATUS[0]}"`];
  const { stdout: output, stderr } = await runProgram(argv, { cwd: folder.path });
  const end = output.lastIndexOf("\n");
  return { status: Number(output.slice(end + 1)), stdout: output.slice(0, end), stderr };
}

const manyLines = 'process.stdout.write("line\\n".repeat(200_000));';

describe("a command whose reader leaves", () => {
  test("ends without a word and with its own status once its work is over", async () => {
    expect(await shell(`${command(`${manyLines} return 0;`)} | true`)).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
    expect(await shell(`${command(`${manyLines} return 1;`)} | true`)).toEqual({
      status: 1,
      stdout: "",
      stderr: "",
    });
    expect(await shell(`${command("return 0;")} --help | true`)).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
  });

  test("ends without a word and with 1 while it works", async () => {
    const forEver = "for (;;) { process.stdout.write('line\\n'); await Bun.sleep(1); }";
    expect(await shell(`${command(forEver)} | head -1`)).toEqual({ status: 1, stdout: "line\n", stderr: "" });
  });
});

test.skipIf(!existsSync("/dev/full"))("a full disk under the output is told, with status 1", async () => {
  const full = await shell(`${command("process.stdout.write('line\\n'); return 0;")} >/dev/full`);
  expect(full.status).toBe(1);
  expect(full.stderr).toMatch(/^The output cannot be written: ENOSPC[^\n]*\n$/);
});

test("a slow reader gets everything that a command has written", async () => {
  const { stdout } = await shell(`${command(`${manyLines} return 0;`)} | (read -r line; sleep 0.2; wc -l)`);
  expect(stdout.trim()).toBe("199999");
});

test("a failure of the system is told in one line, with its reason", async () => {
  const missing = await shell(command('await Bun.file("not/there").text(); return 0;'));
  expect(missing.status).toBe(1);
  expect(missing.stderr).toMatch(/^This command ended early: ENOENT: [^\n]*not\/there[^\n]*\n$/);
  const nameless = await shell(command('throw Object.assign(new Error(""), { code: "EBADF" });'));
  expect(nameless.stderr).toBe("This command ended early: EBADF\n");
});

test("wrong usage is told with status 2", async () => {
  const { status, stderr } = await shell(command('throw new UsageWrong("Say what.");'));
  expect({ status, stderr }).toEqual({ status: 2, stderr: "Say what.\nSee --help.\n" });
});

test("the help is printed for -h as well", async () => {
  expect(await shell(`${command("return 1;")} -h`)).toEqual({ status: 0, stdout: "the help\n", stderr: "" });
});

test("an option that is unknown or lacks its value is named, with the one that was meant", async () => {
  const said = async (args: string) => {
    const { status, stderr } = await shell(`${command("return 0;", "{ rate: { type: 'string' } }")} ${args}`);
    return { status, said: stderr.split("\n")[0] };
  };
  expect(await said("--unknown")).toEqual({ status: 2, said: "There is no option --unknown." });
  expect(await said("-x")).toEqual({ status: 2, said: "There is no option -x." });
  expect(await said("--rte 5")).toEqual({
    status: 2,
    said: "There is no option --rte. Did you mean --rate?",
  });
  const other = await shell(`${command("return 0;", "{ code: { type: 'boolean' } }")} --nope`);
  expect(other.stderr).toStartWith("There is no option --nope.\n");
  const incomplete = "--rate needs a value. Write one that begins with a dash as --rate=VALUE.";
  expect(await said("--rate")).toEqual({ status: 2, said: incomplete });
  expect(await said("--rate -5")).toEqual({ status: 2, said: incomplete });
});
