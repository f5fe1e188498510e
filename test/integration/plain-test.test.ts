import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { runProgram } from "../support/finished-process.ts";

const setup = join(import.meta.dir, "../support/setup.ts");
/** Other systems do not show a process its own command. */
const testOnLinux = test.if(process.platform === "linux");
/** Prints the words of the process that runs it. Bun's timeout for every file is one of them. */
const probe = `import { test } from "bun:test";
import { readFileSync } from "node:fs";
test("probe", () => console.log(readFileSync("/proc/self/cmdline", "utf8").replaceAll("\\0", " ")));
`;

async function timeoutsIn(args: readonly string[]): Promise<string[]> {
  using folder = temporaryFolder();
  writeFileSync(folder.at("bunfig.toml"), `[test]\npreload = [${JSON.stringify(setup)}]\n`);
  for (const name of ["one", "two"]) writeFileSync(folder.at(`${name}.test.ts`), probe);
  const { status, stdout, stderr } = await runProgram([process.execPath, "test", ...args], {
    cwd: folder.path,
  });
  expect([status, stderr]).toEqual([0, expect.stringContaining("2 pass")]);
  return `${stdout}${stderr}`.match(/(?<=--timeout[= ])\d+/g) ?? [];
}

testOnLinux("a plain bun test gives every file as long as bun run test", async () => {
  expect(await timeoutsIn([])).toEqual(["30000", "30000"]);
});

testOnLinux("a timeout that is given to bun test applies to every file", async () => {
  expect(await timeoutsIn(["--timeout", "7000"])).toEqual(["7000", "7000"]);
  expect(await timeoutsIn(["--timeout=7000", "--parallel=2"])).toEqual(["7000", "7000"]);
});
