import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json";
import type { Setting } from "../../src/config/setting-kinds.ts";
import { settings } from "../../src/config/settings.ts";
import { answers } from "../../src/http/problem.ts";

const root = join(import.meta.dir, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const envExample = readFileSync(join(root, ".env.example"), "utf8");

/** The rows of a table in the README, by the header that begins it; cells without the code marks. */
function rowsOf(header: string): string[][] {
  const [, table = ""] =
    new RegExp(`^\\| ${header} \\|.*\\n\\|[-|]+\\|\\n((?:\\|.*\\n)+)`, "m").exec(readme) ?? [];
  return table
    .trimEnd()
    .split("\n")
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

describe("README", () => {
  test("lists every setting once, in the order of settings.ts, with its default", () => {
    const listed = rowsOf("variable").map(([variable = "", fallback]) => [
      variable.replace(" *", ""),
      fallback,
    ]);
    const read = Object.entries(settings).map(([name, { fallback }]) => [name, fallback ?? ""]);
    expect(listed).toEqual(read);
  });

  test("marks exactly the settings that may come from a file", () => {
    const marked = rowsOf("variable").flatMap(([variable = ""]) =>
      variable.endsWith(" *") ? [variable.slice(0, -2)] : [],
    );
    const secret = Object.entries<Setting<unknown>>(settings).flatMap(([name, { isSecret }]) =>
      isSecret ? [name] : [],
    );
    expect(marked).toEqual(secret);
  });

  test("lists every problem code with its status", () => {
    const listed = rowsOf("status").map(([status, code]) => `${code} ${status}`);
    const answered = Object.entries(answers)
      .filter(([code]) => code !== "ERR_USER_UNKNOWN")
      .map(([code, { status }]) => `${code} ${status}`);
    expect(listed.sort()).toEqual(answered.sort());
  });

  test("lists the changes to user rows that a site must announce", () => {
    const [, list = ""] = /^Tell the sidecar whenever[^\n]*\n\n((?:- .*\n| {2}.*\n)+)/m.exec(readme) ?? [];
    for (const change of [
      "`ownIdData` is changed",
      "recovery",
      "deleted",
      "renamed",
      "blocked",
      "restored",
    ]) {
      expect(list).toContain(change);
    }
  });

  test("names only commands that package.json has", () => {
    const named = [...readme.matchAll(/(?:bun|bun@[\d.]+) run ([a-z-]+)/g)].map(([, command]) => command);
    const scripts = Object.keys(packageJson.scripts);
    expect(named.filter((command) => command !== undefined && !scripts.includes(command))).toEqual([]);
  });
});

describe(".env.example", () => {
  test("names only settings that exist", () => {
    const named = [...envExample.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = ""]) => name);
    expect(named.filter((name) => !Object.hasOwn(settings, name))).toEqual([]);
  });
});
