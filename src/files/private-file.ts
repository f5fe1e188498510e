import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../error-code.ts";

/**
 * Creates a file that only this account can read (mode 0600), completely or not at all. The file is written under a
 * temporary name and then linked into place, so that nobody reads half of it, and only one of several concurrent
 * creators succeeds.
 *
 * Returns `false` and changes nothing if the file exists.
 */
export function createPrivateFile(path: string, content: string): boolean {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    writeFileSync(draft, content, { mode: 0o600, flag: "wx", flush: true });
    chmodSync(draft, 0o600);
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Replaces the content of a private file atomically: readers see the old content or the new one, even after a crash.
 * Mode, group and owner stay. If the path is a symbolic link, the file behind it is replaced.
 *
 * @throws an error of the file system, for example if this account may not give the new file to the old owner or
 * group. The old file is left unchanged.
 */
export function replacePrivateFile(path: string, content: string): void {
  const place = realpathSync(path);
  const { mode, uid, gid } = statSync(place);
  const draft = `${place}.${crypto.randomUUID()}`;
  try {
    writeFileSync(draft, content, { mode: 0o600, flag: "wx", flush: true });
    const made = statSync(draft);
    if (made.uid !== uid || made.gid !== gid) chownSync(draft, uid, gid);
    chmodSync(draft, mode & 0o7777);
    renameSync(draft, place);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** `narrowed`: every account of the machine could read the file until now. `open`: every account still can. */
export type Privacy = "private" | "narrowed" | "open";

const others = 0o007;

/**
 * Removes the permissions of all other accounts. Those of the group stay, because somebody may have granted them on
 * purpose, such as Kubernetes with `fsGroup`. Only a process of the owner changes anything, so that root does not
 * lock out the service's account.
 */
export function keepPrivate(path: string): Privacy {
  try {
    const { mode, uid } = statSync(path);
    if ((mode & others) === 0) return "private";
    if (uid !== process.getuid?.()) return "open";
    chmodSync(path, mode & 0o7777 & ~others);
    return "narrowed";
  } catch {
    return "open";
  }
}
