import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { closedFolder, factsOf, grantAccess, may, provideFolder } from "../../src/files/file-access.ts";
import { fixBy, fixWhen } from "../../src/fix.ts";
import { type Check, fine, wrong } from "./check.ts";
import { judgePrivacy } from "./file-privacy.ts";

/** Without it, introspection, `/verify` and revocation answer 503. */
export const stateFileCheck: Check<{ readonly state: string | null }> = {
  id: "files.state",
  title: "revoked sessions",
  examine({ state }) {
    if (state === null) return fine("kept in Redis");
    const closed = closedFolder(state);
    if (closed !== null) {
      const move = "Name a file by STATE_FILE whose folder this account may enter";
      return wrong(`this account may not enter the folder ${closed}`, [fixWhen(move)]);
    }
    if (factsOf(state) === null) {
      const folder = existingFolder(state);
      if (may("write", folder)) return fine("no file yet: the first start makes it");
      // Of a folder that holds more, such as the checkout, nothing is given away.
      const steps =
        folder === dirname(state) ? grantAccess("write", folder) : [provideFolder(dirname(state))];
      return wrong("this account cannot create the file STATE_FILE", fixBy(...steps));
    }
    if (may("read", state) && may("write", state)) return judgePrivacy(state, "the revoked sessions");
    return wrong("this account cannot write the file STATE_FILE", fixBy(...grantAccess("write", state)));
  },
};

function existingFolder(path: string): string {
  const folder = dirname(path);
  return existsSync(folder) ? folder : existingFolder(folder);
}
