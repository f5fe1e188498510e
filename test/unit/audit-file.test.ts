import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { makeFifo, openFifo } from "../../scripts/faults/harness/fifo.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { openAuditFile } from "../../src/process/audit-file.ts";
import { errorOf } from "../support/outcome.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let troubles: (string | null)[];
beforeEach(() => {
  folder = temporaryFolder();
  path = folder.at("audit.log");
  troubles = [];
});
afterEach(() => folder[Symbol.dispose]());

const open = () => openAuditFile({ path, onTrouble: (code) => troubles.push(code) });
const read = (name = "audit.log") => readFileSync(folder.at(name), "utf8");

describe("the file of the audit log", () => {
  test("is created for this account alone, and appended to", () => {
    open().write("1\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    open().write("2\n");
    expect(read()).toBe("1\n2\n");
    chmodSync(path, 0o640);
    open().write("3\n");
    expect([read(), statSync(path).mode & 0o777, troubles]).toEqual(["1\n2\n3\n", 0o640, []]);
  });

  test("is opened anew when it has been renamed or removed, with the next line", () => {
    const file = open();
    file.write("1\n");
    renameSync(path, folder.at("audit.log.1"));
    file.write("2\n");
    rmSync(path);
    file.write("3\n");
    expect([read("audit.log.1"), read(), statSync(path).mode & 0o777]).toEqual(["1\n", "3\n", 0o600]);
  });

  test("is opened anew when that is asked for, without a line", () => {
    const file = open();
    renameSync(path, folder.at("audit.log.1"));
    file.reopen();
    expect([existsSync(path), troubles]).toEqual([true, []]);
    rmSync(folder.path, { recursive: true });
    file.reopen();
    expect(troubles).toEqual(["ENOENT"]);
    mkdirSync(folder.path);
    file.write("1\n");
    expect([read(), troubles]).toEqual(["1\n", ["ENOENT", null]]);
  });

  test("says once that the disk is full, and once that it no longer is", () => {
    symlinkSync("/dev/full", path);
    const file = open();
    for (const _ of [1, 2, 3]) expect(() => file.write("1\n")).toThrow("ENOSPC");
    rmSync(path);
    for (const _ of [1, 2]) file.write("1\n");
    expect([read(), troubles]).toEqual(["1\n1\n", ["ENOSPC", null]]);
  });

  test("may be a pipe that nobody has opened yet, or that takes only a part of what is written", async () => {
    makeFifo(path);
    const file = open();
    expect(() => file.write("1\n")).toThrow("ENXIO");
    using reader = openFifo(path);
    const batch = `${"x".repeat(100_000)}\n`;
    const writing = file.write(batch);
    expect(writing).toBeInstanceOf(Promise);
    file.reopen();
    let taken = "";
    while (taken.length < batch.length) {
      taken += reader.read();
      await Bun.sleep(5);
    }
    expect([taken === batch, await writing, troubles]).toEqual([true, batch.length, ["ENXIO", null]]);
    reader.fill();
    expect(() => file.write("2\n")).toThrow("EAGAIN");
    expect(troubles).toEqual(["ENXIO", null]);
  });

  test("gives up the rest of a batch that it refuses once the path names another file", async () => {
    makeFifo(path);
    using reader = openFifo(path);
    const file = open();
    const writing = Promise.resolve(file.write(`${"x".repeat(100_000)}\n`));
    rmSync(path);
    expect(String(await errorOf(writing))).toContain("EAGAIN");
    file.write("1\n");
    expect([read(), reader.read().startsWith("x")]).toEqual(["1\n", true]);
  });

  test("that can never be written is a wrong setting", () => {
    for (const [place, problem] of [
      ["missing/audit.log", "is in a folder that does not exist. Create the folder."],
      [".", "is a folder. Name a file."],
    ] as const) {
      path = folder.at(place);
      expect(open).toThrow(new ConfigurationInvalid([`AUDIT_LOG: ${path} ${problem}`]));
    }
  });
});
