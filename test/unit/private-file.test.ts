import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { replacePrivateFile } from "../../src/files/private-file.ts";

describe("replacePrivateFile", () => {
  test("replaces the content, keeps the mode whatever the umask is, and leaves nothing beside the file", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at("file"), "old");
    chmodSync(folder.at("file"), 0o640);
    const before = process.umask(0o777);
    try {
      replacePrivateFile(folder.at("file"), "new");
    } finally {
      process.umask(before);
    }
    expect(readFileSync(folder.at("file"), "utf8")).toBe("new");
    expect(statSync(folder.at("file")).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder.path)).toEqual(["file"]);
  });

  test("leaves what was there when it cannot finish, and no draft", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.at("folder"));
    writeFileSync(folder.at("folder/file"), "old");
    // A rename over a folder is refused.
    expect(() => replacePrivateFile(folder.at("folder"), "new")).toThrow();
    expect(readFileSync(folder.at("folder/file"), "utf8")).toBe("old");
    expect(readdirSync(folder.path)).toEqual(["folder"]);
  });
});
