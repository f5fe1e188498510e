import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  changeMode,
  closedFolder,
  factsOf,
  grantAccess,
  hasAccessAsOther,
} from "../../src/files/file-access.ts";
import { fixBy, fixWhen } from "../../src/fix.ts";
import { fine, type Verdict, warning, wrong } from "./check.ts";

const others = 0o007;
const group = 0o070;
const groupWrite = 0o020;

/**
 * Judges whether unintended accounts can read a file that contains a secret. A group that may read it was given
 * access on purpose, for example by Kubernetes, where the file belongs to root and the pod reads it through
 * `fsGroup`.
 */
export function judgePrivacy(path: string, what: string): Verdict {
  if (closedFolder(path) !== null) return fine("in a folder that this account may not enter");
  const facts = factsOf(path);
  if (facts === null) return fine("no such file");
  const mode = (facts.mode & 0o777).toString(8).padStart(4, "0");
  if ((facts.mode & others) !== 0) {
    const detail = `every account of this machine may open ${what} (mode ${mode})`;
    const access = hasAccessAsOther(facts) ? grantAccess("read", path) : [];
    const volume = mountedVolume(path);
    return volume === null
      ? wrong(detail, fixBy(...access, changeMode("g-w,o=", path)))
      : warning(detail, [fixWhen(volume)]);
  }
  if ((facts.mode & groupWrite) !== 0) {
    return warning(
      `accounts of the group ${facts.gid} may change ${what} (mode ${mode})`,
      fixBy(changeMode("g-w", path)),
    );
  }
  const readers =
    (facts.mode & group) === 0 ? "its owner reads it" : `its owner and the group ${facts.gid} read it`;
  return fine(`mode ${mode}: ${readers}`);
}

/** Returns what determines the permissions of a file that an orchestrator mounts; `null` if the file itself does. */
function mountedVolume(path: string): string | null {
  if (existsSync(join(dirname(path), "..data")))
    return "Set defaultMode: 0440 on the volume of the secret, and fsGroup in the securityContext of the pod";
  if (path.startsWith("/run/secrets/"))
    return "Set mode: 0440 and the gid of this account where the service names the secret";
  return null;
}

/**
 * Judges whether this account may enter the folders that lead to a file.
 *
 * @returns `null` if it may
 */
export function judgeWay(path: string, move: string): Verdict | null {
  const closed = closedFolder(path);
  return closed === null ? null : wrong(`this account may not enter the folder ${closed}`, [fixWhen(move)]);
}
