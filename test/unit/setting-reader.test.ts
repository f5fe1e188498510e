import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createSettingReader, type Environment } from "../../src/config/setting-reader.ts";

function audience(environment: Environment) {
  const { readOptional, problems } = createSettingReader(environment);
  return { value: readOptional("SESSION_AUDIENCE"), problems };
}

const invisible = (name: string) =>
  `${name} has a line break or another invisible character in it, or is not UTF-8: set it again.`;

describe("the text of a setting", () => {
  test("loses the white space at its ends", () => {
    for (const text of ["site", " site", "site\n", "\tsite\r\n", "\uFEFFsite", "site\u00a0"]) {
      expect(audience({ SESSION_AUDIENCE: text })).toEqual({ value: "site", problems: [] });
    }
  });

  test("that is nothing but white space is not set", () => {
    const reader = createSettingReader({ ADMIN_TOKEN: " \n", ADMIN_TOKEN_FILE: " " });
    expect([reader.readOptional("ADMIN_TOKEN"), reader.isSet("ADMIN_TOKEN"), reader.problems]).toEqual([
      null,
      false,
      [],
    ]);
  });

  test("is refused with a control character, an invisible one, or bytes that are not UTF-8", () => {
    const inside = ["\n", "\r\n", "\0", "\x1b", "\x7f", "\u0085", "\u2028", "\u200b", "\u202e", "\uFFFD"];
    for (const character of inside) {
      expect(audience({ SESSION_AUDIENCE: `si${character}te` }).problems).toEqual([
        invisible("SESSION_AUDIENCE"),
      ]);
    }
  });

  test("is refused with quotes around it, and kept with quotes inside it", () => {
    for (const text of ['"site"', "'site'", "`site`", ' "site" ', "“site”", '""']) {
      expect(audience({ SESSION_AUDIENCE: text }).problems).toEqual([
        "SESSION_AUDIENCE has quotes around its value, which would be a part of it: remove them.",
      ]);
    }
    for (const text of [`the "site"`, `it's`, '"']) {
      expect(audience({ SESSION_AUDIENCE: text })).toEqual({ value: text, problems: [] });
    }
  });

  test("from a file is held to the same rules, by the setting's name", () => {
    using folder = temporaryFolder();
    const token = "x".repeat(40);
    const problemsWith = (content: string | Uint8Array) => {
      writeFileSync(folder.at("token"), content);
      const reader = createSettingReader({ ADMIN_TOKEN_FILE: folder.at("token") });
      const value = reader.readOptional("ADMIN_TOKEN");
      expect(value === null).toBe(reader.problems.length > 0);
      return reader.problems;
    };
    expect(problemsWith(`${token}\r\n`)).toEqual([]);
    expect(problemsWith(`${token}\n${token}`)).toEqual([invisible("ADMIN_TOKEN")]);
    expect(problemsWith(new Uint8Array([...Buffer.from(token), 0xe9]))).toEqual([invisible("ADMIN_TOKEN")]);
    expect(problemsWith(`"${token}"`)).toEqual([
      "ADMIN_TOKEN has quotes around its value, which would be a part of it: remove them.",
    ]);
    expect(problemsWith("\n")).toEqual(["ADMIN_TOKEN_FILE names a file that is empty."]);
  });
});
