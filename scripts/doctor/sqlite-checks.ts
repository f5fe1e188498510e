import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { Type } from "@sinclair/typebox";
import { may } from "../../src/files/file-access.ts";
import { shellWord } from "../../src/fix.ts";
import { type Check, fine, warning, wrong } from "./check.ts";
import type { Database } from "./database.ts";
import { readRow } from "./sql-row.ts";
import { judgeSqliteFile, openFolder } from "./sqlite-file.ts";

const mebibyte = 2 ** 20;
const freeMin = 10 * mebibyte;
const freeAdvised = 200 * mebibyte;

const file: Check<Database> = {
  id: "database.file",
  title: "file",
  examine: ({ settings }) => judgeSqliteFile(settings.url.reveal()),
};

const folder: Check<Database> = {
  id: "database.folder",
  title: "folder",
  examine({ settings }) {
    const path = dirname(settings.url.reveal());
    if (may("write", path)) return fine("can be written, as SQLite's journal needs");
    return wrong(
      "this account cannot write the file's folder, where SQLite keeps its journal",
      openFolder(path),
    );
  },
};

const journal: Check<Database> = {
  id: "database.journal",
  title: "journal",
  async examine({ run }) {
    const query = "SELECT journal_mode AS mode FROM pragma_journal_mode";
    const { mode } = await readRow(run, { mode: Type.String() }, query);
    if (mode === "wal") return fine("write-ahead log");
    return warning(
      `journal_mode is ${mode}: a write of the site holds up every lookup`,
      "PRAGMA journal_mode = WAL;",
    );
  },
};

const space: Check<Database> = {
  id: "database.disk",
  title: "disk",
  examine({ settings }) {
    const path = dirname(settings.url.reveal());
    const { bavail, bsize } = statfsSync(path);
    const free = bavail * bsize;
    const detail = `${Math.floor(free / mebibyte)} MiB free`;
    if (free >= freeAdvised) return fine(detail);
    return (free < freeMin ? wrong : warning)(detail, `df -h ${shellWord(path)}   # then make room`);
  },
};

export const sqliteChecks: readonly Check<Database>[] = [file, folder, journal, space];
