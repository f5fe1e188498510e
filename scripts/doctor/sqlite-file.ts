import { existsSync } from "node:fs";
import { basename } from "node:path";
import {
  changeMode,
  closedFolder,
  factsOf,
  grantAccess,
  hasAccessAsOther,
  may,
} from "../../src/files/file-access.ts";
import { type Fix, fixBy, fixWhen } from "../../src/fix.ts";
import { fine, type Verdict, warning, wrong } from "./check.ts";

const others = 0o007;
const suffixes = ["", "-wal", "-shm", "-journal"];

/**
 * Judges whether this account may read and write the files of an SQLite database: the file itself, and those that
 * SQLite keeps next to it while it is in use or that a killed process has left.
 *
 * @param setting the setting to name in the verdict, if the names of the files do not tell what they are
 * @returns `null` if it may
 */
export function judgeAccess(path: string, setting: string | null = null): Verdict | null {
  const files = suffixes.map((suffix) => path + suffix).filter((each) => existsSync(each));
  const closed = files.filter((each) => !may("read", each) || !may("write", each));
  if (closed.length === 0) return null;
  const named = closed.map((each) => basename(each)).join(", ");
  const steps = closed.flatMap((each) => grantAccess("write", each));
  const of = setting === null ? "" : ` (${setting})`;
  return wrong(`this account cannot read and write ${named}${of}`, fixBy(...steps));
}

/** Judges whether this account may do with the users' file what SQLite does, and whether too many others may. */
export function judgeSqliteFile(path: string): Verdict {
  const folder = closedFolder(path);
  if (folder !== null) return wrong(`this account may not enter the folder ${folder}`, openFolder(folder));
  const noAccess = judgeAccess(path);
  if (noAccess !== null) return noAccess;
  const facts = factsOf(path);
  if (facts === null || (facts.mode & others) === 0) return fine("can be written");
  const access = hasAccessAsOther(facts) ? grantAccess("write", path) : [];
  return warning("every account of this machine may open the users' file", [
    fixWhen("If the site uses the file as its owner or group", ...access, changeMode("o=", path)),
  ]);
}

/** A folder may contain other things, to which nobody meant to give access. */
export function openFolder(path: string): readonly Fix[] {
  return [
    fixWhen("If the folder holds nothing but the database", ...grantAccess("write", path)),
    fixWhen("Otherwise move the database into a folder of its own"),
  ];
}
