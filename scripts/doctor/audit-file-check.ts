import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { factsOf, grantAccess, may, provideFolder } from "../../src/files/file-access.ts";
import { fixBy } from "../../src/fix.ts";
import { type Check, fine, wrong } from "./check.ts";
import { judgePrivacy, judgeWay } from "./file-privacy.ts";

/** A sidecar that cannot write the audit log does not start, since nothing may happen unrecorded. */
export const auditFileCheck: Check<{ readonly audit: string | null }> = {
  id: "files.audit",
  title: "audit log",
  examine({ audit }) {
    if (audit === null) return fine("none: AUDIT_LOG is not set");
    if (audit === "stdout") return fine("on standard output");
    const noWay = judgeWay(audit, "Name a file by AUDIT_LOG whose folder this account may enter");
    if (noWay !== null) return noWay;
    const folder = dirname(audit);
    if (!existsSync(folder))
      return wrong(`the folder of AUDIT_LOG is missing: ${folder}`, fixBy(provideFolder(folder)));
    if (factsOf(audit) === null) {
      if (may("write", folder)) return fine("no file yet: the start creates it");
      return wrong("this account cannot create the file AUDIT_LOG", fixBy(...grantAccess("write", folder)));
    }
    if (may("write", audit)) return judgePrivacy(audit, "the audit log");
    return wrong("this account cannot write AUDIT_LOG", fixBy(...grantAccess("write", audit)));
  },
};
