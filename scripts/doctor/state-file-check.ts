import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { closedFolder, factsOf, grantAccess, may, provideFolder } from "../../src/files/file-access.ts";
import { fixBy, fixWhen } from "../../src/fix.ts";
import { type Check, fine, wrong } from "./check.ts";
import { judgePrivacy } from "./file-privacy.ts";
import { closedFiles } from "./sqlite-file.ts";

/** Without this file, introspection, `/verify` and revocation answer 503. */
export const stateFileCheck: Check<{ readonly state: string | null }> = {
  id: "files.state",
  title: "revoked sessions",
  examine({ state }) {
    if (state === null) return fine("kept in Redis");
    const closedParent = closedFolder(state);
    if (closedParent !== null) {
      const move = "Name a file by STATE_FILE whose folder this account may enter";
      return wrong(`this account may not enter the folder ${closedParent}`, [fixWhen(move)]);
    }
    if (factsOf(state) === null) {
      const folder = existingFolder(state);
      if (may("write", folder)) return fine("no file yet: the first start makes it");
      // Nothing of a folder that contains other things, such as the checkout, is given away.
      const steps =
        folder === dirname(state) ? grantAccess("write", folder) : [provideFolder(dirname(state))];
      return wrong("this account cannot create the file STATE_FILE", fixBy(...steps));
    }
    const closed = closedFiles(state);
    if (closed.length === 0) return judgePrivacy(state, "the revoked sessions");
    const named = closed.map((each) => basename(each)).join(", ");
    const steps = closed.flatMap((each) => grantAccess("write", each));
    return wrong(`this account cannot read and write ${named} (STATE_FILE)`, fixBy(...steps));
  },
};

function existingFolder(path: string): string {
  const folder = dirname(path);
  return existsSync(folder) ? folder : existingFolder(folder);
}
