import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";

const room = JSON.stringify(join(import.meta.dir, "../../src/files/account.ts"));

function nameWith(environment: Readonly<Record<string, string>>): string {
  const { stdout } = Bun.spawnSync(
    [process.execPath, "-e", `console.log((await import(${room})).accountName())`],
    { env: { PATH: process.env.PATH ?? "", ...environment } },
  );
  return stdout.toString().trim();
}

test("the account's name is that of the system, whatever USER says, and with no USER at all", () => {
  using folder = temporaryFolder();
  const [, , shown = ""] = Bun.spawnSync(["ls", "-ld", folder.path]).stdout.toString().split(/\s+/);
  expect(shown).not.toBe("");
  expect([nameWith({}), nameWith({ USER: "somebody" })]).toEqual([shown, shown]);
});

test("an account without the means to be looked up has no name", () => {
  expect(nameWith({ PATH: "/nonexistent" })).toBe("null");
});
