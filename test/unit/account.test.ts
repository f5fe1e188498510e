import { expect, test } from "bun:test";
import { join } from "node:path";

const room = JSON.stringify(join(import.meta.dir, "../../src/account.ts"));

function nameWith(environment: Readonly<Record<string, string>>): string {
  const { stdout } = Bun.spawnSync(
    [process.execPath, "-e", `console.log((await import(${room})).accountName())`],
    { env: { PATH: process.env.PATH ?? "", ...environment } },
  );
  return stdout.toString().trim();
}

test("the account's name is that of the system, whatever USER says, and with no USER at all", () => {
  // A second way to look it up.
  const shown = Bun.spawnSync(["ps", "-o", "user:64=", "-p", String(process.pid)])
    .stdout.toString()
    .trim();
  expect(shown).not.toBe("");
  expect([nameWith({}), nameWith({ USER: "somebody" })]).toEqual([shown, shown]);
});

test("an account without the means to be looked up has no name", () => {
  expect(nameWith({ PATH: "/nonexistent" })).toBe("null");
});
