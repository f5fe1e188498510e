import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { makeFifo } from "../../scripts/faults/harness/fifo.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { createWatchedFiles, type WatchedFile, type WatchedFiles } from "../../src/reload/watched-files.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

/** Watches one file, and records what became of it. A content of "wrong" is refused. */
async function watch(path: string, reload?: WatchedFile["reload"]) {
  const contents: string[] = [];
  const told: unknown[] = [];
  const read = () => {
    const content = readFileSync(path, "utf8");
    if (content === "wrong") throw new ConfigurationInvalid(["ADMIN_TOKEN must be right."]);
    contents.push(content);
  };
  const watched = createWatchedFiles({
    files: [{ variable: "ADMIN_TOKEN_FILE", path, reload: reload === undefined ? read : reload }],
    logger: {
      info: (fields: unknown) => void told.push(fields),
      warn: (fields: unknown) => void told.push(fields),
      error: (fields: unknown) => void told.push(fields),
    },
    onEvent: (event) => void told.push(event),
  });
  await watched.look();
  return { watched, contents, told };
}

async function lookTwice(watched: WatchedFiles): Promise<void> {
  await watched.look();
  await watched.look();
}

describe("a watched file", () => {
  test("is reloaded when it has changed, once, and the log and the counter say so", async () => {
    writeFileSync(folder.at("secret"), "one");
    const { watched, contents, told } = await watch(folder.at("secret"));
    await lookTwice(watched);
    expect(told).toEqual([]);
    writeFileSync(folder.at("secret"), "two");
    await lookTwice(watched);
    await lookTwice(watched);
    expect(contents).toEqual(["one", "two"]);
    expect(told).toEqual(["reloaded", { variable: "ADMIN_TOKEN_FILE" }]);
  });

  test("is not reloaded while it is being written", async () => {
    writeFileSync(folder.at("secret"), "one");
    const { watched, contents } = await watch(folder.at("secret"));
    for (const part of ["", "t", "tw", "two"]) {
      writeFileSync(folder.at("secret"), part);
      await watched.look();
    }
    expect(contents).toEqual(["one"]);
    await watched.look();
    expect(contents).toEqual(["one", "two"]);
  });

  test("that is wrong is refused with its problem, once, and reloaded when it is right again", async () => {
    writeFileSync(folder.at("secret"), "one");
    const { watched, contents, told } = await watch(folder.at("secret"));
    writeFileSync(folder.at("secret"), "wrong");
    await lookTwice(watched);
    await lookTwice(watched);
    expect(told).toEqual([
      "refused",
      { variable: "ADMIN_TOKEN_FILE", problems: ["ADMIN_TOKEN must be right."] },
    ]);
    writeFileSync(folder.at("secret"), "two");
    await lookTwice(watched);
    expect(contents).toEqual(["one", "two"]);
    expect(told.at(-2)).toBe("reloaded");
  });

  test("that is gone is refused, and reloaded when it is back", async () => {
    writeFileSync(folder.at("secret"), "one");
    const { watched, contents, told } = await watch(folder.at("secret"));
    rmSync(folder.at("secret"));
    await lookTwice(watched);
    expect(told[0]).toBe("refused");
    writeFileSync(folder.at("secret"), "one");
    await lookTwice(watched);
    expect(contents).toEqual(["one", "one"]);
  });

  test("may be a link of Kubernetes, which swaps a folder on the way, or be replaced by a rename", async () => {
    for (const version of ["v1", "v2"]) {
      mkdirSync(folder.at(version));
      writeFileSync(folder.at(`${version}/secret`), version);
    }
    symlinkSync("v1", folder.at("..data"));
    symlinkSync("..data/secret", folder.at("secret"));
    const { watched, contents } = await watch(folder.at("secret"));
    symlinkSync("v2", folder.at("..data_tmp"));
    renameSync(folder.at("..data_tmp"), folder.at("..data"));
    await lookTwice(watched);
    writeFileSync(folder.at("draft"), "v3");
    renameSync(folder.at("draft"), folder.at("secret"));
    await lookTwice(watched);
    expect(contents).toEqual(["v1", "v2", "v3"]);
  });

  test("that changed between the start and the first look is reloaded by that look", async () => {
    writeFileSync(folder.at("secret"), "one");
    const { contents, told } = await watch(folder.at("secret"));
    expect(contents).toEqual(["one"]);
    expect(told).toEqual([]);
  });

  test("that is read at the start only is told of when it has changed", async () => {
    writeFileSync(folder.at("secret"), "one");
    const { watched, told } = await watch(folder.at("secret"), null);
    writeFileSync(folder.at("secret"), "two");
    await lookTwice(watched);
    await lookTwice(watched);
    expect(told).toEqual(["restart needed", { variable: "ADMIN_TOKEN_FILE" }]);
  });

  test("that is a pipe is never read again, which would wait for ever", async () => {
    makeFifo(folder.at("pipe"));
    const { watched, contents, told } = await watch(folder.at("pipe"));
    await lookTwice(watched);
    await watched.reloadAll();
    expect(contents).toEqual([]);
    expect(told).toEqual([{ onlyAtStart: [] }]);
  });
});

test("a reload reads every file at once, tells of those that have changed, and says what is read at the start only", async () => {
  writeFileSync(folder.at("secret"), "one");
  const { watched, contents, told } = await watch(folder.at("secret"));
  await watched.reloadAll();
  writeFileSync(folder.at("secret"), "two");
  await watched.reloadAll();
  await lookTwice(watched);
  expect(contents).toEqual(["one", "one", "two"]);
  expect(told.filter((item) => item === "reloaded")).toHaveLength(1);
  expect(told.at(-1)).toEqual({ onlyAtStart: [] });
});

test("one look waits for the other, so that an older content never replaces a newer one", async () => {
  writeFileSync(folder.at("secret"), "one");
  const order: string[] = [];
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const files = [
    {
      variable: "SESSION_KEYS_FILE",
      path: folder.at("secret"),
      async reload() {
        order.push("began");
        await held;
        order.push("ended");
      },
    },
  ];
  const logger = { info: () => {}, warn: () => {}, error: () => {} };
  const watched = createWatchedFiles({ files, logger, onEvent: () => {} });
  const both = Promise.all([watched.look(), watched.reloadAll()]);
  release();
  await both;
  expect(order).toEqual(["began", "ended", "began", "ended"]);
});
