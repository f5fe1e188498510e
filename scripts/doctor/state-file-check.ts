import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { factsOf, grantAccess, may, provideFolder } from "../../src/files/file-access.ts";
import { fixBy } from "../../src/fix.ts";
import { type Check, fine, wrong } from "./check.ts";
import { judgePrivacy, judgeWay } from "./file-privacy.ts";
import { judgeAccess } from "./sqlite-file.ts";

/** Without this file, introspection, `/verify` and revocation answer 503. */
export const stateFileCheck: Check<{ readonly state: string | null }> = {
  id: "files.state",
  title: "revoked sessions",
  examine({ state }) {
    if (state === null) return fine("kept in Redis");
    const noWay = judgeWay(state, "Name a file by STATE_FILE whose folder this account may enter");
    if (noWay !== null) return noWay;
    if (factsOf(state) === null) {
      const folder = existingFolder(state);
      if (may("write", folder)) return fine("no file yet: the first start creates it");
      // Nothing of a folder that contains other things, such as the checkout, is given away.
      const steps =
        folder === dirname(state) ? grantAccess("write", folder) : [provideFolder(dirname(state))];
      return wrong("this account cannot create the file STATE_FILE", fixBy(...steps));
    }
    return judgeAccess(state, "STATE_FILE") ?? judgePrivacy(state, "the revoked sessions");
  },
};

function existingFolder(path: string): string {
  const folder = dirname(path);
  return existsSync(folder) ? folder : existingFolder(folder);
}
